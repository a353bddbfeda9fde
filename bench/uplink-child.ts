/**
 * Outbox and uplink of a gateway in a process of their own. Arguments: the outbox's folder, broker, gateway, the files of its
 * certificate as JSON. It tells over IPC of the first receipt, and stops when its parent disconnects.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { systemClock } from '../edge/clock.ts';
import { openOutbox } from '../edge/outbox.ts';
import { startUplink } from '../edge/uplink.ts';

const [folder = '', broker = '', gateway = '', tls = ''] = process.argv.slice(2);
const outbox = openOutbox({ folder, gateway, maxBytes: 2 ** 33 });
const uplink = startUplink({
  gateway,
  broker,
  tls: JSON.parse(tls),
  outbox,
  clock: systemClock(),
  log: pino({ level: 'error' }, pino.destination(2)),
  buses: () => [],
  onFault: (error) => {
    throw error;
  },
});
process.once('disconnect', () => process.exit());
const { acknowledgedTo, nextSequence } = outbox;
const isReceipted = (): boolean =>
  outbox.acknowledgedTo > acknowledgedTo || outbox.firstUnreceipted(nextSequence) > nextSequence;
while (!isReceipted()) await sleep(1);
process.send?.('receipted');
await uplink.stop();
