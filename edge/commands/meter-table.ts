/** What was read of a meter, as lines for people. */
import { registerName } from '../../protocols/register-names.ts';
import { formatMicro, micro } from '../../protocols/units.ts';
import { tellException } from '../commissioning/doctor.ts';
import type { AskedProfile } from '../drivers/asked-profile.ts';
import type { MeterRead, RegisterValue } from '../drivers/meter-driver.ts';

/**
 * @param where the meter's unit and line
 * @param before an earlier read: what has changed since stands beside
 */
export function meterTable(
  profile: AskedProfile,
  where: string,
  read: MeterRead,
  before: MeterRead | null = null,
): string[] {
  const rows = inOrder(profile, read).map((row) => ({
    ...row,
    name: registerName(row.register.obis, row.register.name, 'en'),
  }));
  const nameWidth = Math.max(0, ...rows.map(({ name }) => name.length));
  const width = Math.max(0, ...rows.map(({ value, code }) => (value ?? code ?? '').length));
  const lines = rows.map(({ name, ...row }) => {
    const { register, value, code } = row;
    // What is no value has no unit.
    const unit = register.unit === '1' || value === null ? '' : register.unit;
    const mark = register.billing ? '  <- billed' : '';
    const shown = (value ?? code ?? '').padStart(width);
    const change = before === null ? '' : `  ${changeOf(row, before)}`.padEnd(14);
    const padded = change === '' ? unit : unit.padEnd(5);
    return `  ${register.obis.padEnd(12)} ${name.padEnd(nameWidth)} ${shown} ${padded}${change}${mark}`.trimEnd();
  });
  const missing = missingText(profile, read);
  const last = read.values.at(-1);
  return [
    `${profile.make} ${profile.model}, ${where}`,
    ...lines,
    ...(missing === null ? [] : [`  ${missing}`]),
    `${read.requests} requests${last === undefined ? '' : `, read at ${instantText(last.readAtMs)}`}`,
  ];
}

/** How many registers gave no value, and why as far as it is known; null for none but what not every firmware has. */
export function missingText(profile: AskedProfile, { values, fault, exception }: MeterRead): string | null {
  const read = new Set(values.map(({ register }) => register.obis));
  const missing = profile.registers.filter(
    (register) => !('optional' in register && register.optional) && !read.has(register.obis),
  ).length;
  if (missing === 0) return null;
  if (fault !== null) return `${missing} registers without an answer: ${fault.message}`;
  if (exception !== null)
    return `${missing} registers without an answer: ${tellException(exception, profile.protocol).detail}`;
  return values.length === 0
    ? `${missing} registers without an answer`
    : `${missing} registers of the model are not in its answer: not all meters of a model tell all of them`;
}

/** As the profile lists them. */
export function inOrder(profile: AskedProfile, read: MeterRead): RegisterValue[] {
  return profile.registers.flatMap((register) => read.values.filter((value) => value.register === register));
}

/** Of one width, so that what stands below each other can be compared. */
export const instantText = (ms: number): string =>
  Temporal.Instant.fromEpochMilliseconds(ms).toString({ smallestUnit: 'millisecond' });

function changeOf({ register, value }: RegisterValue, before: MeterRead): string {
  const old = before.values.find((one) => one.register === register)?.value ?? null;
  if (value === null || old === null) return '';
  const change = micro(value) - micro(old);
  return change === 0n ? '' : `${change > 0n ? '+' : ''}${formatMicro(change)}`;
}
