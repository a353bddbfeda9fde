/** A register's value with its unit; where it has none the code says why, and a unit would say nothing. */
export const valueText = ({
  value,
  code,
  unit,
}: {
  value: string | null;
  code?: string | null | undefined;
  unit: string;
}): string => (value === null ? (code ?? 'no value') : `${value}${unit === '1' ? '' : ` ${unit}`}`);
