/** @jsxImportSource preact */
/** A register as a person reads it: its name, its code unbroken, its value with all its digits. */
import { registerName } from '../../protocols/register-names.ts';
import { exactText } from '../format.ts';
import type { EdgeWords } from '../words/edge.ts';
import { useSession } from './session.ts';

interface Shown {
  register: string;
  name: string;
  value: string | null;
  unit: string;
  code: string | null;
}

export function RegisterLabel({ register, name }: Pick<Shown, 'register' | 'name'>) {
  const { language } = useSession();
  return (
    <>
      {registerName(register, name, language)} <span class="mono muted small code">{register}</span>
    </>
  );
}

const reasons: Record<string, keyof EdgeWords> = {
  not_available: 'codeNotAvailable',
  illegal_digit: 'codeIllegalDigit',
  out_of_range: 'codeOutOfRange',
  unknown_unit: 'codeUnknownUnit',
  wrong_meter: 'codeWrongMeter',
  clock_wrong: 'codeClockWrong',
};

/** A register without a value has no unit either, but a reason. */
export function RegisterValue({ value, unit, code }: Pick<Shown, 'value' | 'unit' | 'code'>) {
  const { words } = useSession();
  if (value !== null) return <>{exactText(value, unit)}</>;
  const reason = reasons[code ?? ''];
  return <span class="none">{reason === undefined ? words.noValue : String(words[reason])}</span>;
}

/** Those that are billed say so. */
export function RegisterTable({ readings }: { readings: readonly (Shown & { billing: boolean })[] }) {
  const { words } = useSession();
  return (
    <table class="values">
      <tbody>
        {readings.map((reading) => (
          <tr key={reading.register}>
            <th scope="row">
              <RegisterLabel {...reading} />
              {reading.billing && <span class="mark good">{words.billed}</span>}
            </th>
            <td class="number">
              <RegisterValue {...reading} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
