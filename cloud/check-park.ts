/** What a schema cannot say about a park document: that its rows name each other rightly. Pure. */
import { parseDecimal } from '../protocols/decimal.ts';
import type {
  MeterExchange,
  Park,
  ParkMeter,
  Serves,
  SourceBill,
  Tariff,
  TouCalendar,
} from '../protocols/park.ts';
import { checkRules } from './check-rules.ts';

/** @returns one sentence per problem, each naming its row; empty when the document is consistent */
export function checkPark(park: Park): string[] {
  return [
    ...repeatedIds(park),
    ...park.units.flatMap((unit) => [
      ...unknown(park.buildings, unit.building, `units.${unit.id}: building`),
      ...checkArea(unit.areaM2, `units.${unit.id}: areaM2`),
    ]),
    ...park.meters.flatMap((meter) => checkMeter(park, meter)),
    ...checkLeases(park),
    ...checkPools(park),
    ...checkRules(park),
    ...park.exchanges.flatMap((exchange, index) => checkExchange(park, exchange, index)),
    ...park.tariffs.flatMap((tariff) => checkTariff(park, tariff)),
    ...park.sourceBills.flatMap((bill) => [
      ...unknown(park.meters, bill.meter, `sourceBills.${bill.id}: meter`),
      ...checkAmounts(bill),
    ]),
    ...checkTimeZone(park.timeZone),
  ];
}

function repeatedIds(park: Park): string[] {
  const lists = {
    buildings: park.buildings,
    units: park.units,
    leases: park.leases,
    meters: park.meters,
    pools: park.pools,
  };
  return Object.entries(lists).flatMap(([list, rows]) => {
    const ids = rows.map((row) => row.id);
    return [...new Set(ids.filter((id, i) => ids.indexOf(id) !== i))].map(
      (id) => `${list}.${id}: the id stands twice`,
    );
  });
}

function unknown(rows: readonly { id: string }[], id: string, where: string): string[] {
  return rows.some((row) => row.id === id) ? [] : [`${where} "${id}" is not in the document`];
}

function checkMeter(park: Park, meter: ParkMeter): string[] {
  const where = `meters.${meter.id}`;
  const problems = [
    ...(meter.building === null ? [] : unknown(park.buildings, meter.building, `${where}: building`)),
  ];
  if (meter.parent !== null) {
    problems.push(...unknown(park.meters, meter.parent, `${where}: parent`));
    const parent = park.meters.find((other) => other.id === meter.parent);
    if (parent !== undefined && parent.utility !== meter.utility)
      problems.push(`${where}: its parent measures ${parent.utility}`);
    if (isItsOwnAncestor(park, meter)) problems.push(`${where}: it is its own ancestor`);
  }
  problems.push(
    ...above0(meter.multiplier, `${where}: multiplier`),
    ...above0(meter.maxPerHour, `${where}: maxPerHour`),
    ...within(meter.accuracyPercent, 100n, `${where}: accuracyPercent`),
  );
  return [...problems, ...checkServes(park, meter, meter.serves)];
}

/** Registers and multipliers are counted in millionths. */
function above0(text: string, where: string): string[] {
  const value = parseDecimal(text, 12);
  if (value % 1_000_000n !== 0n) return [`${where} ${text} has more than 6 decimals`];
  return value > 0n ? [] : [`${where} must be above 0`];
}

/** As many decimals as a decimal of the document can have. */
const SCALE = 12;
const ONE = 10n ** BigInt(SCALE);

function within(text: string, most: bigint, where: string): string[] {
  const value = parseDecimal(text, SCALE);
  return value >= 0n && value <= most * ONE ? [] : [`${where} ${text} is not from 0 to ${most}`];
}

const notNegative = (text: string, where: string): string[] =>
  parseDecimal(text, SCALE) < 0n ? [`${where} ${text} is below 0`] : [];

/** Beyond this a slip of the pen is sure, and no figure computed from it would be of use. */
function wholeDigits(text: string, most: number, where: string): string[] {
  const whole = text.replace('-', '').split('.')[0] ?? '';
  return whole.length > most ? [`${where} ${text} has more than ${most} whole digits`] : [];
}

function checkArea(text: string, where: string): string[] {
  if (parseDecimal(text, SCALE) <= 0n) return [`${where} must be above 0`];
  return wholeDigits(text, 10, where);
}

/** A register as a face of `digits` before the point can show it. */
function checkRegister(text: string, digits: number, where: string): string[] {
  const value = parseDecimal(text, SCALE);
  if (value % 1_000_000n !== 0n) return [`${where} ${text} has more than 6 decimals`];
  if (value < 0n) return [`${where} ${text} is below 0`];
  return value < 10n ** BigInt(digits) * ONE
    ? []
    : [`${where} ${text} does not fit the ${digits} digits of the device`];
}

function isItsOwnAncestor(park: Park, meter: ParkMeter): boolean {
  const parents = new Map(park.meters.map((one) => [one.id, one.parent]));
  let at = meter.parent;
  for (let steps = 0; at !== null && steps <= park.meters.length; steps += 1) {
    if (at === meter.id) return true;
    at = parents.get(at) ?? null;
  }
  return false;
}

function checkServes(park: Park, meter: ParkMeter, serves: Serves): string[] {
  const where = `meters.${meter.id}: serves`;
  const hasChildren = park.meters.some((other) => other.parent === meter.id);
  if (serves.kind === 'branch')
    return hasChildren ? [] : [`${where} "branch", but no meter has it as parent`];
  // A meter that serves somebody is an end of the tree: its kWh would otherwise be charged twice.
  const problems = hasChildren
    ? [`${where} "${serves.kind}", but it has meters below it: only a branch may`]
    : [];
  if (serves.kind === 'unit') problems.push(...unknown(park.units, serves.unit, `${where} unit`));
  if (serves.kind === 'pool') {
    problems.push(...unknown(park.pools, serves.pool, `${where} pool`));
    const pool = park.pools.find(({ id }) => id === serves.pool);
    if (pool !== undefined && pool.utility !== meter.utility)
      problems.push(`${where} pool "${pool.id}", which shares ${pool.utility}`);
  }
  return problems;
}

/** A device that is taken out shows at least what it showed when it was put in. */
function checkExchange(park: Park, exchange: MeterExchange, index: number): string[] {
  const where = `exchanges.${index}`;
  const before = park.exchanges
    .filter(({ meter, at }) => meter === exchange.meter && isBefore(at, exchange.at))
    .toSorted((a, b) => (isBefore(a.at, b.at) ? 1 : -1))[0];
  const oldDigits = before?.newDigits ?? park.meters.find(({ id }) => id === exchange.meter)?.digits;
  const problems = [
    ...unknown(park.meters, exchange.meter, `${where}: meter`),
    ...(oldDigits === undefined ? [] : checkRegister(exchange.finalOld, oldDigits, `${where}: finalOld`)),
    ...checkRegister(exchange.initialNew, exchange.newDigits, `${where}: initialNew`),
    ...above0(exchange.newMultiplier, `${where}: newMultiplier`),
  ];
  if (before !== undefined && parseDecimal(exchange.finalOld, 12) < parseDecimal(before.initialNew, 12))
    problems.push(
      `${where}: finalOld ${exchange.finalOld} is below the ${before.initialNew} that the device began with`,
    );
  return problems;
}

const isBefore = (a: string, b: string): boolean => Temporal.Instant.compare(a, b) < 0;

function checkLeases(park: Park): string[] {
  return park.leases.flatMap((lease, index) => {
    const where = `leases.${lease.id}`;
    const overlaps = park.leases
      .slice(0, index)
      .flatMap((other) =>
        other.units
          .filter((unit) => lease.units.includes(unit) && spansMeet(lease, other))
          .map((unit) => `${where}: unit "${unit}" is held by lease "${other.id}" in the same days`),
      );
    return [
      ...checkSpan(where, lease.from, lease.to),
      ...lease.units.flatMap((unit) => unknown(park.units, unit, `${where}: unit`)),
      ...overlaps,
    ];
  });
}

interface Span {
  from: string;
  to: string | null;
}

/** ISO dates compare as text. */
const spansMeet = (a: Span, b: Span): boolean =>
  (b.to === null || a.from < b.to) && (a.to === null || b.from < a.to);

function checkSpan(where: string, from: string, to: string | null): string[] {
  return to !== null && to <= from ? [`${where}: "to" ${to} is not after "from" ${from}`] : [];
}

function checkTariff(park: Park, tariff: Tariff): string[] {
  const where = `tariffs.${tariff.id}`;
  const span = checkSpan(where, tariff.from, tariff.to);
  const tiers =
    tariff.kind === 'tiered'
      ? [...checkTiers(tariff.tiers, where), ...within(tariff.taxRate, 1n, `${where}: taxRate`)]
      : [];
  const { calendar } = tariff;
  if (calendar === undefined) return [...span, ...tiers];
  const clock =
    calendar.timeZone === park.timeZone
      ? []
      : [`${where}: the calendar runs on ${calendar.timeZone}, the park on ${park.timeZone}`];
  return [...span, ...tiers, ...clock, ...checkSeasons(calendar, where)];
}

/** Bounds rise from above 0, and the last tier, and only it, is open: no quantity is without a price. */
function checkTiers(tiers: Extract<Tariff, { kind: 'tiered' }>['tiers'], where: string): string[] {
  let below = 0n;
  return tiers.flatMap(({ upTo, unit, flat }, index) => {
    const prices = [
      ...notNegative(unit, `${where}: tiers.${index}: unit`),
      ...notNegative(flat, `${where}: tiers.${index}: flat`),
    ];
    const last = index === tiers.length - 1;
    if (upTo === null)
      return last ? prices : [...prices, `${where}: tier ${index + 1} is without end, but not the last`];
    const bound = parseDecimal(upTo, SCALE);
    if (bound <= below) prices.push(`${where}: the bound of tier ${index + 1} does not rise`);
    if (last) prices.push(`${where}: the last tier has a bound: nothing prices what lies above ${upTo}`);
    below = bound;
    return prices;
  });
}

/** Seasons hold both their ends, and may run over the turn of the year. */
function checkSeasons({ seasons }: TouCalendar, where: string): string[] {
  const impossible = seasons.flatMap(({ name, from, to }) =>
    [from, to]
      .filter((day) => !isDayOfYear(day))
      .map((day) => `${where}: season "${name}": ${day} is no day of the year`),
  );
  if (impossible.length > 0) return impossible;
  return seasons.flatMap((season, index) =>
    seasons.slice(0, index).flatMap((other) => {
      // Of two that meet, one begins inside the other.
      const day = [season.from, other.from].find((one) => holds(season, one) && holds(other, one));
      return day === undefined
        ? []
        : [`${where}: seasons "${other.name}" and "${season.name}" both hold ${day}`];
    }),
  );
}

const holds = ({ from, to }: { from: string; to: string }, day: string): boolean =>
  from <= to ? from <= day && day <= to : from <= day || day <= to;

/** Of a leap year: 02-29 is one. */
function isDayOfYear(text: string): boolean {
  try {
    Temporal.PlainDate.from(`2024-${text}`);
    return true;
  } catch {
    return false;
  }
}

function checkAmounts({ id, quantity, lines }: SourceBill): string[] {
  const check = (text: string | null, where: string): string[] =>
    text === null ? [] : wholeDigits(text, 15, `sourceBills.${id}: ${where}`);
  return [
    ...check(quantity, 'quantity'),
    ...lines.flatMap((line, index) =>
      (['quantity', 'net', 'tax'] as const).flatMap((key) => check(line[key], `lines.${index}: ${key}`)),
    ),
  ];
}

function checkPools(park: Park): string[] {
  return park.pools.flatMap(({ id, scope, sharing }) => {
    const where = `pools.${id}`;
    const fits = {
      mandatory: ['park', 'building'],
      negotiated: ['park', 'building'],
      exclusive: ['lease'],
      landlord: ['none'],
    }[sharing].includes(scope.kind);
    const problems = fits ? [] : [`${where}: "${sharing}" cannot have the scope "${scope.kind}"`];
    if (scope.kind === 'building')
      problems.push(...unknown(park.buildings, scope.building, `${where}: building`));
    if (scope.kind === 'lease') problems.push(...unknown(park.leases, scope.lease, `${where}: lease`));
    return problems;
  });
}

function checkTimeZone(timeZone: string): string[] {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(timeZone);
    return [];
  } catch {
    return [`timeZone: "${timeZone}" is no IANA time zone`];
  }
}
