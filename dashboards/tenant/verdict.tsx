/** @jsxImportSource preact */
/** What the check on this device found. */
import type { TenantWords } from '../words/tenant.ts';
import type { Check } from './check-statement.ts';
import type { Opened } from './page.tsx';

export function Verdict({
  words,
  check,
  opened,
}: {
  words: TenantWords;
  check: Check | null;
  opened: Opened;
}) {
  const { view, statement } = opened;
  return (
    <section class={`notice verdict ${tone(check)}`} aria-live="polite">
      <h2>{headline(words, check)}</h2>
      {check?.state === 'good' && (
        <p>{words.checkedDetail(statement.lines.length, statement.registers.length)}</p>
      )}
      {check?.state === 'unable' && <p>{words.checkUnableDetail}</p>}
      {check?.state === 'bad' && (
        <>
          <p>{words.checkFailedDetail}</p>
          <ul class="findings">
            {check.findings.slice(0, 5).map(({ part, id, message }) => (
              <li key={`${part} ${id}`}>
                <code>{id}</code> {message}
              </li>
            ))}
          </ul>
        </>
      )}
      <p class="muted fingerprint">
        {words.digest} <code>{view.digest.slice(0, 16)}</code> · {words.key}{' '}
        <code>{statement.signature.keyId}</code>
      </p>
    </section>
  );
}

function tone(check: Check | null): string {
  if (check === null) return '';
  return { good: 'good', bad: 'bad', unable: 'warn' }[check.state];
}

function headline(words: TenantWords, check: Check | null): string {
  if (check === null) return words.checking;
  return { good: `✓ ${words.checked}`, bad: `✕ ${words.checkFailed}`, unable: words.checkUnable }[
    check.state
  ];
}
