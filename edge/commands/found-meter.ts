/** A meter that a scan found, as lines for people: where, what it is, what it is billed by. */
import type { ScannedMeter } from '../../protocols/edge-api.ts';
import { registerName } from '../../protocols/register-names.ts';
import { valueText } from './value-text.ts';

export function foundLines({ unit, profile, model, serial, equals, readings }: ScannedMeter): string[] {
  const head = `unit ${String(unit).padStart(3)}  `;
  if (profile === null || model === null) return [`${head}answers, but no known model fits`];
  const about = [
    `${model.make} ${model.model}`,
    model.utility,
    ...(serial === null ? [] : [`no. ${serial}`]),
  ];
  const billed = readings.filter(({ billing }) => billing);
  const more = readings.length - billed.length;
  return [
    `${head}${about.join(', ')}  (${profile})`,
    ...[
      ...billed.map(
        ({ register, name, ...shown }) =>
          `${registerName(register, name, 'en')} ${valueText(shown)}  (${register})`,
      ),
      ...(equals.length === 0 ? [] : [`fits equally: ${equals.join(', ')}`]),
      ...(more === 0 ? [] : [`${more} more: meterline read --profile ${profile} --unit ${unit}`]),
    ].map((line) => `${' '.repeat(head.length)}${line}`),
  ];
}
