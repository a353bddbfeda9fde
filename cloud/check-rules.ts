/** What a schema cannot say about the sharing rules of a park document, and about what they rest on. Pure. */
import { parseDecimal } from '../protocols/decimal.ts';
import type { Lease, Park, ParkMeter, ParkUnit, Pool } from '../protocols/park.ts';
import type { Ownership, SharingRule } from '../protocols/sharing.ts';
import { compare, formatFraction, isNegative, ONE, parseFraction, sum } from './billing/rational.ts';
import { compileRule, ruleName } from './billing/sharing/compile-rule.ts';
import { poolOrder } from './billing/sharing/pool-order.ts';
import { isDeclared } from './billing/sharing/rules-in-force.ts';
import { LANDLORD_LINES } from './billing/sharing/shared-leaves.ts';
import { leaseVariables, ruleVariables } from './billing/sharing/variables.ts';

/** @returns one sentence per problem, each naming its row */
export function checkRules(park: Park): string[] {
  return [
    ...(park.rules ?? []).flatMap((rule) => checkRule(park, rule)),
    ...checkVersions(park.rules ?? []),
    ...park.pools.flatMap((pool) => checkPool(park, pool)),
    ...checkOrder(park),
    ...checkVariables(park),
    ...park.leases.flatMap((lease) => checkLease(park, lease)),
    ...park.units.flatMap(checkAreas),
    ...park.meters.flatMap((meter) => checkParents(park, meter)),
    ...checkTemperatures(park),
    ...checkOwners(park),
  ];
}

const SCALE = 12;
const ONE_DECIMAL = 10n ** BigInt(SCALE);

interface Span {
  from: string;
  to: string | null;
}
/** ISO dates compare as text. */
const meet = (a: Span, b: Span): boolean =>
  (b.to === null || a.from < b.to) && (a.to === null || b.from < a.to);
const checkSpan = ({ from, to }: Span, where: string): string[] =>
  to !== null && to <= from ? [`${where}: "to" ${to} is not after "from" ${from}`] : [];

function checkRule(park: Park, rule: SharingRule): string[] {
  const where = `rules.${ruleName(rule)}`;
  const users = park.pools.filter((pool) => pool.rule.id === rule.id);
  const utilities = new Set(users.map(({ utility }) => utility));
  const problems = checkSpan(rule, where);
  for (const utility of utilities.size === 0 ? (['electricity'] as const) : utilities) {
    const result = compileRule(park, utility, rule);
    if (!result.ok) problems.push(...result.problems.map((problem) => `${where}: ${problem}`));
    const names = ruleVariables(park, utility, { ...rule, constants: [] }).flatMap((one) => one.names);
    for (const { name } of rule.constants ?? [])
      if (names.includes(name)) problems.push(`${where}: the constant ${name} has the name of a variable`);
  }
  const { method, fallback, touWeights = {}, pools = [] } = rule;
  if (method.kind === 'weights' && method.factorCap !== undefined) {
    const cap = parseDecimal(method.factorCap, SCALE);
    if (cap <= 0n || cap > ONE_DECIMAL)
      problems.push(`${where}: factorCap ${method.factorCap} is not above 0 and at most 1`);
    if (method.factor === undefined) problems.push(`${where}: factorCap, but no factor`);
  }
  if (fallback !== undefined) {
    const above = parseDecimal(fallback.above, SCALE);
    if (above < 0n || above > ONE_DECIMAL)
      problems.push(`${where}: fallback above ${fallback.above} is not from 0 to 1`);
  }
  for (const [period, weight] of Object.entries(touWeights))
    if (parseDecimal(weight, SCALE) < 0n)
      problems.push(`${where}: touWeights.${period} ${weight} is below 0`);
  for (const { pool } of pools) {
    const target = park.pools.find(({ id }) => id === pool);
    if (target === undefined) problems.push(`${where}: pool "${pool}" is not in the document`);
    else if (!utilities.has(target.utility) && utilities.size > 0)
      problems.push(`${where}: pool "${pool}" shares ${target.utility}`);
    else if (users.some(({ id }) => id === pool))
      problems.push(`${where}: pool "${pool}" passes on to itself`);
  }
  return problems;
}

/** The versions of a rule follow one another: no date has two of them, and none in between has none. */
function checkVersions(rules: readonly SharingRule[]): string[] {
  return [...Map.groupBy(rules, ({ id }) => id).values()].flatMap((versions) => {
    const sorted = [...versions].sort((a, b) => (a.from < b.from ? -1 : 1));
    return sorted.flatMap((rule, index) => {
      const before = sorted[index - 1];
      const twice = sorted.slice(0, index).some(({ version }) => version === rule.version);
      if (twice) return [`rules.${ruleName(rule)}: the version stands twice`];
      if (before === undefined || before.to === rule.from) return [];
      return meet(before, rule)
        ? [`rules.${ruleName(rule)}: v${before.version} is in force in the same days`]
        : [`rules.${ruleName(rule)}: no version is in force from ${before.to} to ${rule.from}`];
    });
  });
}

function checkPool(park: Park, pool: Pool): string[] {
  const where = `pools.${pool.id}`;
  const problems: string[] = [];
  const suffix = Object.values(LANDLORD_LINES).find((one) => pool.id.endsWith(one));
  if (suffix !== undefined)
    problems.push(`${where}: a pool may not end in "${suffix}": that is a line of the landlord`);
  if (isDeclared(park, pool) && pool.id.length > 50)
    problems.push(`${where}: its id is too long for the lines of the landlord (at most 50)`);
  const { difference } = pool;
  if (difference === undefined) return problems;
  const branch = park.meters.find(({ id }) => id === difference.meter);
  if (branch === undefined)
    problems.push(`${where}: difference: meter "${difference.meter}" is not in the document`);
  else if (branch.serves.kind !== 'branch' || branch.utility !== pool.utility)
    problems.push(`${where}: difference: ${branch.id} is no branch meter of ${pool.utility}`);
  if (park.pools.some((other) => other.id < pool.id && other.difference?.meter === difference.meter))
    problems.push(`${where}: the difference of ${difference.meter} is in another pool already`);
  return problems;
}

function checkOrder(park: Park): string[] {
  const unknown = (park.stepDown ?? [])
    .filter((id) => !park.pools.some((pool) => pool.id === id))
    .map((id) => `stepDown: pool "${id}" is not in the document`);
  const circles = (['electricity', 'water'] as const).flatMap((utility) => {
    const pools = park.pools.filter((pool) => pool.utility === utility);
    // A circle can only close on a day on which a rule begins; the span is that day.
    const edges = (park.rules ?? []).map(({ from }) => from);
    return [...new Set(edges)].flatMap((from) => {
      const order = poolOrder(park, pools, { from, to: `${from}~` });
      return order.ok ? [] : [order.detail];
    });
  });
  return [...unknown, ...new Set(circles)];
}

function checkVariables(park: Park): string[] {
  const names = leaseVariables(park).flatMap((one) => one.names);
  return names
    .filter((name, index) => names.indexOf(name) !== index)
    .map((name) => `variables: the name ${name} stands twice`);
}

function checkLease(park: Park, { id, signed = [], values = [] }: Lease): string[] {
  const where = `leases.${id}`;
  const variables = leaseVariables(park);
  return [
    ...signed
      .filter(
        ({ rule, version }) => !(park.rules ?? []).some((one) => one.id === rule && one.version === version),
      )
      .map((one) => `${where}: signed ${one.rule} v${one.version}, which is not in the document`),
    ...values.flatMap((row, index) => {
      const at = `${where}: values.${index} ${row.name}`;
      const variable = variables.find(({ names }) => names.includes(row.name));
      const overlaps = values
        .slice(0, index)
        .some((other) => variable?.names.includes(other.name) === true && meet(row, other));
      return [
        ...checkSpan(row, at),
        ...(variable === undefined ? [`${at}: there is no such variable of leases`] : []),
        ...(parseDecimal(row.value, SCALE) < 0n ? [`${at}: ${row.value} is below 0`] : []),
        ...(overlaps ? [`${at}: there is another value for the same days`] : []),
      ];
    }),
  ];
}

const notRising = (dates: readonly string[], where: string): string[] =>
  new Set(dates).size === dates.length ? [] : [`${where}: a date stands twice`];

function checkAreas({ id, formerAreas = [] }: ParkUnit): string[] {
  const where = `units.${id}: formerAreas`;
  return [
    ...notRising(
      formerAreas.map(({ to }) => to),
      where,
    ),
    ...formerAreas
      .filter(({ areaM2 }) => parseDecimal(areaM2, SCALE) <= 0n)
      .map(({ to }) => `${where}: the area until ${to} must be above 0`),
  ];
}

function checkParents(park: Park, { id, utility, formerParents = [] }: ParkMeter): string[] {
  const where = `meters.${id}: formerParents`;
  return [
    ...notRising(
      formerParents.map(({ to }) => to),
      where,
    ),
    ...formerParents.flatMap(({ parent }) => {
      const branch = park.meters.find((one) => one.id === parent);
      if (branch === undefined) return [`${where} "${parent}" is not in the document`];
      return branch.utility === utility && branch.serves.kind === 'branch' && parent !== id
        ? []
        : [`${where} "${parent}" is no branch meter of ${utility}`];
    }),
  ];
}

function checkTemperatures({ temperatures = [] }: Park): string[] {
  const degree = ONE_DECIMAL;
  return [
    ...notRising(
      temperatures.map(({ date }) => date),
      'temperatures',
    ),
    ...temperatures.flatMap(({ date, maximum, mean }) =>
      [maximum, mean ?? maximum]
        .map((text) => ({ text, value: parseDecimal(text, SCALE) }))
        .filter(({ value }) => value < -90n * degree || value > 60n * degree)
        .map(({ text }) => `temperatures.${date}: ${text} °C is no outdoor temperature`),
    ),
  ];
}

function checkOwners({ owners = [], buildings }: Park): string[] {
  return owners.flatMap((row, index) => {
    const where = `owners.${row.building ?? 'rest'}`;
    const known = row.building === null || buildings.some(({ id }) => id === row.building);
    return [
      ...checkSpan(row, where),
      ...(known ? [] : [`${where}: building "${row.building}" is not in the document`]),
      ...(owners.slice(0, index).some((other) => other.building === row.building && meet(row, other))
        ? [`${where}: its shares stand twice for the same days`]
        : []),
      ...checkShares(row, where),
    ];
  });
}

function checkShares({ shares }: Ownership, where: string): string[] {
  const ids = shares.map(({ owner }) => owner);
  const twice = ids.filter((id, index) => ids.indexOf(id) !== index);
  if (twice.length > 0) return [`${where}: owner ${twice[0]} stands twice`];
  const parsed = shares.map(({ share }) => parseFraction(share));
  const read = parsed.filter((one) => one !== null);
  const wrong = shares.find((_, index) => parsed[index] === null);
  if (wrong !== undefined) return [`${where}: "${wrong.share}" is no share such as "1/3" or "0.5"`];
  if (read.some(isNegative)) return [`${where}: a share is below 0`];
  const total = sum(read);
  return compare(total, ONE) === 0
    ? []
    : [`${where}: the shares add up to ${formatFraction(total)}, not to 1`];
}
