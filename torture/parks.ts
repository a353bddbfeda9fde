/** Random parks with every kind of sharing rule: what is shared out is what was billed, and a second implementation agrees. */
import { type BilledUtility, billUtility } from '../cloud/billing/bill-utility.ts';
import { naiveBill } from '../cloud/billing/oracle/naive-bill.ts';
import { type RandomCase, randomCase } from '../cloud/billing/oracle/random-park.ts';
import { minor } from '../protocols/units.ts';
import { count, newTally, type Tally, type TortureOptions, type TorturePart, tell } from './tally.ts';

const PARKS_A_ROUND = 1_000;
/** One in so many is billed by the oracle too. */
const ORACLE_EVERY = 10;

export const parksTorture: TorturePart = {
  name: 'parks',
  about: 'random parks, 1,000 a round: nested pools, vacancy, changes, losses; every tenth billed twice over',
  rounds: { usual: 2, full: 100 },
  proves: [
    { invariant: 14, promise: 'what is apportioned is what was billed', of: 'parks', atLeast: 100_000 },
    {
      invariant: 14,
      promise: 'a second implementation bills the same',
      of: 'billed twice over',
      atLeast: 10_000,
    },
  ],
  run: tortureParks,
};

async function tortureParks({ seed, rounds, onRound }: TortureOptions): Promise<Tally> {
  const tally = newTally();
  for (let round = 0; round < rounds; round += 1) {
    for (let n = 0; n < PARKS_A_ROUND; n += 1) {
      const park = seed * 1_000_003 + round * PARKS_A_ROUND + n;
      const one = randomCase(park);
      const billed = billUtility(one.park, one.period, one.terms, one.usage);
      tell(tally, 'parks');
      if (!billed.ok) count(tally, 'unexplained', 1, `park ${park}: ${billed.code} ${billed.detail}`);
      else if (!isConserved(one, billed)) count(tally, 'altered', 1, `park ${park}: an identity fails`);
      else if (n % ORACLE_EVERY === 0) {
        tell(tally, 'billed twice over');
        if (!agrees(one, billed)) count(tally, 'altered', 1, `park ${park}: the oracle bills otherwise`);
      }
    }
    onRound(tally);
    // The process stays answerable.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return tally;
}

/** Checked here by itself, not by what the bill says of itself alone. */
function isConserved({ terms }: RandomCase, { charges, quantities, money }: BilledUtility): boolean {
  return (
    quantities.holds &&
    money.every(({ holds }) => holds) &&
    terms.bill.lines.every(({ component, net, tax }) => {
      const own = charges.filter((charge) => charge.component === component);
      return (
        own.reduce((sum, charge) => sum + charge.net, 0n) === minor(net) &&
        own.reduce((sum, charge) => sum + charge.tax, 0n) === minor(tax)
      );
    })
  );
}

function agrees(one: RandomCase, { charges }: BilledUtility): boolean {
  const naive = naiveBill(one);
  if (typeof naive === 'string') return false;
  const owed = charges.filter(({ net, tax }) => net !== 0n || tax !== 0n);
  return (
    owed.length === naive.size &&
    owed.every(({ holder, pool, component, net, tax }) => {
      const other = naive.get(`${holder ?? ''}|${pool}|${component}`);
      return other?.net === net && other.tax === tax;
    })
  );
}
