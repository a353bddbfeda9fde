/**
 * Child of the torture: fills an outbox without end and takes receipts, as a gateway does. It says `accepted N` after each
 * commit, and `receipt N` before it acknowledges up to N.
 */
import { writeSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { benchReadings, withoutKey } from '../bench/bench-readings.ts';
import { openOutbox } from '../edge/outbox.ts';

const [folder = '', gateway = ''] = process.argv.slice(2);
const MOST_READINGS = 84;
const MOST_RECEIPTED = 160;
/** About as fast as they come. */
const RECEIPT_EVERY = 4;

process.once('disconnect', () => process.exit());
const outbox = openOutbox({ folder, gateway, maxBytes: 1 << 30 });
const { epoch } = outbox;
for (let commit = 1; ; commit += 1) {
  const { nextSequence } = outbox.stats();
  const size = 1 + (nextSequence % MOST_READINGS);
  outbox.append(benchReadings(nextSequence - 1, size).map(withoutKey));
  writeSync(1, `accepted ${nextSequence + size - 1}\n`);
  const items = commit % RECEIPT_EVERY === 0 ? outbox.after(0, MOST_RECEIPTED) : [];
  const [from, to] = [items[0]?.sequence, items.at(-1)?.sequence];
  if (from !== undefined && to !== undefined) {
    writeSync(1, `receipt ${to}\n`);
    outbox.acknowledge({ epoch, from, to });
  }
  await nextTurn();
}
