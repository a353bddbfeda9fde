/**
 * Child of the torture: a gateway's buffer at work, with what a cloud would have of it. It waits for a message, then says
 * `trying FROM COUNT` before each commit and `accepted FROM COUNT REFUSED,...` behind it, in numbers of the bench's readings;
 * `item EPOCH JSON` of what goes up, before its receipt; and `fault CODE` when the disk fails, at which it ends.
 * Arguments: folder, gateway, commits, and the name of a mutant or nothing.
 */
import { writeSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { benchReadings, withoutKey } from '../bench/bench-readings.ts';
import { mutantNamed, plantMutant } from './plant-mutant.ts';

const [folder = '', gateway = '', commits = '', mutant = ''] = process.argv.slice(2);
/** Segments of 16 KiB, so that they are begun and deleted all the time. */
const MOST_BYTES = 512 * 1024;
const COMMIT_READINGS = 40;
const MOST_SENT = 90;

if (mutant !== '') plantMutant(mutantNamed(mutant));
const { openOutbox } = await import('../edge/outbox.ts');
process.once('disconnect', () => process.exit());
const told = new Promise((resolve) => process.once('message', resolve));
process.send?.('ready');
await told;
const say = (line: string): void => void writeSync(1, `${line}\n`);
try {
  await work();
} catch (error) {
  say(`fault ${error instanceof Error && 'code' in error ? error.code : error}`);
}
process.exit();

async function work(): Promise<void> {
  const outbox = openOutbox({ folder, gateway, maxBytes: MOST_BYTES });
  const { epoch } = outbox;
  for (let commit = 0; commit < Number(commits); commit += 1) {
    const first = commit * COMMIT_READINGS;
    const readings = benchReadings(first, COMMIT_READINGS).map(withoutKey);
    say(`trying ${first} ${COMMIT_READINGS}`);
    const { refused } = outbox.append(readings);
    say(`accepted ${first} ${COMMIT_READINGS} ${refused.map((one) => first + readings.indexOf(one)).join()}`);
    if (commit % 2 === 1) {
      const items = outbox.after(0, MOST_SENT);
      for (const { json } of items) say(`item ${epoch} ${json}`);
      const [from, to] = [items[0]?.sequence ?? 1, items.at(-1)?.sequence ?? 0];
      outbox.acknowledge({ epoch, from, to });
    }
    await nextTurn();
  }
}
