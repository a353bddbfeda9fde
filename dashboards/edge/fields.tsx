/** @jsxImportSource preact */
/** Fields that several parts of the page ask for. */
import type { ComponentChildren } from 'preact';
import type { EdgeBus } from '../../protocols/edge-api.ts';
import { useSession } from './session.ts';

interface BusChoiceProps {
  buses: readonly EdgeBus[];
  value: string;
  disabled?: boolean;
  onChange: (bus: string) => void;
}

export function BusChoice({ buses, value, disabled = false, onChange }: BusChoiceProps) {
  const { words } = useSession();
  return (
    <label>
      {words.bus}
      <select
        value={value}
        disabled={disabled}
        onChange={({ currentTarget }) => onChange(currentTarget.value)}
      >
        {buses.map(({ bus, link }) => (
          <option key={bus} value={bus}>
            {bus} · {link}
          </option>
        ))}
      </select>
    </label>
  );
}

interface TextFieldProps {
  label: string;
  value: string;
  onChange: (text: string) => void;
  inputMode?: 'decimal' | 'numeric' | 'text';
  class?: string;
  hint?: string;
}

export function TextField({ label, value, onChange, inputMode = 'text', hint, ...rest }: TextFieldProps) {
  return (
    <label>
      {label}
      <input
        type="text"
        inputMode={inputMode}
        autocomplete="off"
        value={value}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
        {...rest}
      />
      {hint !== undefined && <span class="muted small">{hint}</span>}
    </label>
  );
}

interface SubmitProps {
  /** What is missing; null: it can be sent. */
  why: string | null;
  busy?: boolean;
  children: ComponentChildren;
}

/** A button that cannot be pressed says why. */
export function SubmitButton({ why, busy = false, children }: SubmitProps) {
  return (
    <>
      <button type="submit" class="button primary" disabled={busy || why !== null}>
        {children}
      </button>
      {why !== null && (
        <p class="why" role="status">
          {why}
        </p>
      )}
    </>
  );
}
