/**
 * Child of the torture: outbox and uplink of a gateway that takes readings without end. It says `accepted N` after each
 * commit. On any message of its parent it takes no more, waits until all is receipted, says `drained N`, and ends.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { benchReadings, withoutKey } from '../bench/bench-readings.ts';
import { systemClock } from '../edge/clock.ts';
import { openOutbox } from '../edge/outbox.ts';
import { startUplink } from '../edge/uplink.ts';

const [folder = '', broker = '', gateway = '', password = ''] = process.argv.slice(2);
const COMMIT_READINGS = 12;
const PAUSE_MS = 4;
/** The cloud is away for parts of a second only. */
const timing = { firstPauseMs: 40, longestPauseMs: 200 };

process.once('disconnect', () => process.exit());
let draining = false;
process.once('message', () => {
  draining = true;
});
const outbox = openOutbox({ folder, gateway, maxBytes: 1 << 30 });
const uplink = startUplink({
  gateway,
  broker,
  username: gateway,
  password,
  outbox,
  clock: systemClock(),
  log: pino({ level: 'error' }, pino.destination({ dest: 2, sync: true })),
  buses: () => [],
  onFault: (error) => {
    throw error;
  },
  timing,
});
while (!draining) {
  const { nextSequence } = outbox.stats();
  outbox.append(benchReadings(nextSequence - 1, COMMIT_READINGS).map(withoutKey));
  writeSync(1, `accepted ${nextSequence + COMMIT_READINGS - 1}\n`);
  uplink.wake();
  await sleep(PAUSE_MS);
}
const last = outbox.stats().nextSequence - 1;
while (outbox.acknowledgedTo < last) await sleep(PAUSE_MS);
writeSync(1, `drained ${last}\n`);
await uplink.stop();
outbox.close();
process.disconnect?.();
