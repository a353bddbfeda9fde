/** The units that quantities of a sharing rule have, and what becomes of them when they are multiplied and divided. */

/** Powers of the basic units; those with power zero are left out. A kW is a kWh for each hour. */
export type Dimension = Readonly<Partial<Record<BasicUnit, number>>>;
const BASIC_UNITS = ['kWh', 'm3', 'm2', 'person', 'h', 'day', '°C', 'CNY'] as const;
export type BasicUnit = (typeof BASIC_UNITS)[number];

export const NO_UNIT: Dimension = {};

const NAMED: Record<string, Dimension> = {
  '': NO_UNIT,
  kWh: { kWh: 1 },
  m3: { m3: 1 },
  'm³': { m3: 1 },
  m2: { m2: 1 },
  'm²': { m2: 1 },
  person: { person: 1 },
  h: { h: 1 },
  day: { day: 1 },
  kW: { kWh: 1, h: -1 },
  '°C': { '°C': 1 },
  '℃': { '°C': 1 },
  CNY: { CNY: 1 },
};

/** `kWh`, `m2`, ...; null when there is no such unit. */
export const dimensionOf = (unit: string): Dimension | null =>
  Object.hasOwn(NAMED, unit) ? (NAMED[unit] ?? null) : null;

export function times(a: Dimension, b: Dimension, sign: 1 | -1 = 1): Dimension {
  const product: Partial<Record<BasicUnit, number>> = {};
  for (const unit of BASIC_UNITS) {
    const power = (a[unit] ?? 0) + sign * (b[unit] ?? 0);
    if (power !== 0) product[unit] = power;
  }
  return product;
}

export const same = (a: Dimension, b: Dimension): boolean =>
  BASIC_UNITS.every((unit) => (a[unit] ?? 0) === (b[unit] ?? 0));

/** `kWh * m2`, `kWh / h`, `1`. */
export function formatDimension(dimension: Dimension): string {
  const part = (sign: 1 | -1): string =>
    BASIC_UNITS.flatMap((unit) => {
      const power = sign * (dimension[unit] ?? 0);
      return power <= 0 ? [] : [power === 1 ? unit : `${unit}^${power}`];
    }).join(' * ');
  const [above, below] = [part(1), part(-1)];
  if (below === '') return above === '' ? '1' : above;
  return `${above === '' ? '1' : above} / ${below.includes('*') ? `(${below})` : below}`;
}
