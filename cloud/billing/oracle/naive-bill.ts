/**
 * The same bill worked out a second time, by plain loops over fractions of its own: nothing of the product is used but the
 * shapes of its data. Slow and simple on purpose; where it and the product differ, one of them is wrong.
 */
import { type F, f, largest, plus, zero } from './naive-fractions.ts';
import { type Drop, sharePools } from './naive-pools.ts';
import { holderOf, parentOf, stretches, type World } from './naive-world.ts';
import type { RandomCase } from './random-park.ts';

/** Net and tax by `holder|pool|component`, in minor units, those of nothing left out; or the code of the refusal. */
export type NaiveBill = Map<string, { net: bigint; tax: bigint }> | 'negative_residual';

export function naiveBill({ park, terms, usage }: RandomCase): NaiveBill {
  const days = [...new Set([...usage.values()].flatMap((rows) => rows.map(({ date }) => date)))].sort();
  const tous = [...new Set([...usage.values()].flatMap((rows) => rows.map(({ touPeriod }) => touPeriod)))];
  const counts = new Map<string, bigint>();
  const guesses = new Map<string, bigint>();
  for (const rows of usage.values())
    for (const { meter, date, touPeriod, quantity, estimated } of rows) {
      counts.set(`${meter}|${date}|${touPeriod}`, quantity);
      guesses.set(`${meter}|${date}|${touPeriod}`, estimated);
    }
  const world: World = {
    park,
    days,
    tous,
    count: (meter, day, tou) => counts.get(`${meter}|${day}|${tou}`) ?? 0n,
    guess: (meter, day, tou) => guesses.get(`${meter}|${day}|${tou}`) ?? 0n,
  };
  const lost = losses(world);
  if (lost === null) return 'negative_residual';
  const drops: Drop[] = [];
  for (const [tou, quantity] of lost)
    drops.push({ holder: '', pool: 'metering-difference', tou, quantity: f(quantity) });
  for (const meter of park.meters)
    for (const day of days)
      for (const tou of tous) {
        const quantity = f(world.count(meter.id, day, tou));
        if (meter.serves.kind === 'landlord') drops.push({ holder: '', pool: 'own', tou, quantity });
        if (meter.serves.kind !== 'unit') continue;
        const holder = holderOf(park, meter.serves.unit, day);
        drops.push({ holder, pool: holder === '' ? 'vacancy' : 'own', tou, quantity });
      }
  sharePools(world, drops);
  const leaves = new Map<string, Map<string | null, F>>();
  for (const { holder, pool, tou, quantity } of drops) {
    const leaf = leaves.get(`${holder}|${pool}`) ?? new Map<string | null, F>();
    leaf.set(tou, plus(leaf.get(tou) ?? zero, quantity));
    leaves.set(`${holder}|${pool}`, leaf);
  }
  return price(terms.bill.lines, leaves);
}

/** What branches lost beyond their tolerance, by time of use; null where one counts too little. */
function losses({ park, days, tous, count }: World): Map<string | null, bigint> | null {
  const pooled = park.pools.flatMap(({ difference }) => (difference === undefined ? [] : [difference]));
  const moves = new Set(park.meters.flatMap((meter) => (meter.formerParents ?? []).map(({ to }) => to)));
  const lost = new Map<string | null, bigint>();
  for (const stretch of stretches(days, moves)) {
    const first = stretch[0] ?? '';
    for (const branch of park.meters.filter(({ serves }) => serves.kind === 'branch')) {
      const children = park.meters.filter((meter) => parentOf(meter, first) === branch.id);
      if (children.length === 0) continue;
      let [above, below] = [0n, 0n];
      const rest = new Map<string | null, bigint>();
      for (const day of stretch)
        for (const tou of tous) {
          const own = count(branch.id, day, tou);
          const others = children.reduce((sum, child) => sum + count(child.id, day, tou), 0n);
          above += own;
          below += others;
          rest.set(tou, (rest.get(tou) ?? 0n) + own - others);
        }
      const tolerance = (2n * (above + below)) / 100n;
      const pool = pooled.find(({ meter }) => meter === branch.id);
      if (above - below < -tolerance && pool?.negative !== 'landlord') return null;
      if (above - below <= tolerance || pool !== undefined) continue;
      const parts = [...rest].map(([tou, left]) => ({ id: tou ?? '', weight: f(left > 0n ? left : 0n) }));
      const shares = largest(above - below - tolerance, parts);
      for (const tou of rest.keys()) lost.set(tou, (lost.get(tou) ?? 0n) + (shares.get(tou ?? '') ?? 0n));
    }
  }
  return lost;
}

/** Each component over all leaves by what they used of its time of use; nobody used any: the landlord. */
function price(
  lines: RandomCase['terms']['bill']['lines'],
  leaves: ReadonlyMap<string, ReadonlyMap<string | null, F>>,
): Map<string, { net: bigint; tax: bigint }> {
  const charges = new Map<string, { net: bigint; tax: bigint }>();
  for (const { component, touPeriod, net, tax } of lines) {
    const parts = [...leaves].map(([id, used]) => {
      let weight = zero;
      for (const [tou, quantity] of used)
        if (touPeriod === null || tou === touPeriod) weight = plus(weight, quantity);
      // The landlord before all leases, a lease before those whose ids go on.
      return { id: id.replace('|', '\u0000'), weight };
    });
    const cents = (text: string): bigint => BigInt(text.replace('.', ''));
    const [nets, taxes] = [largest(cents(net), parts), largest(cents(tax), parts)];
    if (nets.size === 0) charges.set(`|remainder|${component}`, { net: cents(net), tax: cents(tax) });
    for (const [id, amount] of nets) {
      const charge = { net: amount, tax: taxes.get(id) ?? 0n };
      if (charge.net !== 0n || charge.tax !== 0n)
        charges.set(`${id.replace('\u0000', '|')}|${component}`, charge);
    }
  }
  return charges;
}
