/** An M-Bus telegram of an earlier session is never taken, whether or not it was heard before: its access number tells. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { openDriver } from '../edge/drivers/open-driver.ts';
import { Line } from '../edge/line/line.ts';
import { loadProfiles } from '../edge/profiles.ts';
import { formatMicro } from '../protocols/units.ts';
import { mbusLine, mbusMeter } from '../simulators/meters/mbus-meters.ts';

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const water = loaded.profiles.get('mbus-water');
if (water?.protocol !== 'mbus') throw new Error('no such profile');
const profile = water;
const VOLUME = '8-0:1.0.0';

/**
 * What becomes of the answer to one request for data. `lost`: it stays on its way; `twice`: it comes twice, and is refused;
 * `stale`: the last one that was lost or came twice comes in its place; `restarts`: the meter counts from 0 again.
 */
type Fate = 'answer' | 'lost' | 'twice' | 'stale' | 'restarts';
const ACCESS_NUMBER_AT = 15;

/** The frame with access number 0, and a sum that is right for it. */
function uncounted(frame: Uint8Array): Uint8Array {
  const changed = frame.slice();
  const sumAt = frame.length - 2;
  changed[sumAt] = (frame[sumAt] ?? 0) - (frame[ACCESS_NUMBER_AT] ?? 0);
  changed[ACCESS_NUMBER_AT] = 0;
  return changed;
}

/** Reads a meter so many times, whose answers have these fates. @returns of each read the volume, `right` or `wrong` */
async function volumes(
  fates: readonly Fate[],
  { reads, counts = true }: { reads: number; counts?: boolean },
): Promise<string[]> {
  let read = 0;
  const worth = (): bigint => 1_000_000n * BigInt(100 + read);
  const started = () =>
    mbusLine([mbusMeter({ profile, primary: 1, secondary: '7856341224400107', values: worth })]);
  let hear = started();
  let kept: Uint8Array = new Uint8Array(0);
  let asked = 0;
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    sockets.add(client);
    client.on('error', () => undefined);
    client.on('data', (chunk: Buffer) => {
      const isData = chunk.length === 5 && ((chunk[1] ?? 0) & 0x4f) === 0x4b;
      const fate = isData ? (fates[asked++] ?? 'answer') : 'answer';
      if (fate === 'restarts') hear = started();
      for (const told of hear(chunk)) {
        const frame = counts || told.length === 1 ? told : uncounted(told);
        if (fate === 'lost' || fate === 'twice') kept = frame;
        if (fate === 'stale') client.write(kept);
        else if (fate !== 'lost') client.write(frame);
        if (fate === 'twice') client.write(frame);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const link = {
    kind: 'rtu-over-tcp',
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
  } as const;
  const line = new Line({ link, timeoutMilliseconds: 300, worstReplyMilliseconds: 20 });
  const driver = openDriver(profile, { unit: 1, link });
  const said: string[] = [];
  for (; read < reads; read++) {
    const { values } = await driver.read(line, {
      nowMs: () => 0,
      attempts: 1,
      pauses: false,
    });
    const value = values.find(({ register }) => register.obis === VOLUME);
    said.push(
      value === undefined ? 'none' : value.value === formatMicro(worth()) ? 'right' : `wrong ${value.value}`,
    );
  }
  await line.close();
  for (const socket of sockets) socket.destroy();
  server.close();
  return said;
}

test.each<[string, Fate[], string[]]>([
  ['every answer in time', [], ['right', 'right', 'right', 'right']],
  ['comes to the next request', ['answer', 'answer', 'lost', 'stale'], ['right', 'right', 'none', 'right']],
  [
    'comes twice more',
    ['answer', 'answer', 'lost', 'stale', 'stale'],
    ['right', 'right', 'none', 'none', 'right'],
  ],
  [
    'comes after a clean session',
    ['answer', 'answer', 'lost', 'answer', 'answer', 'stale'],
    ['right', 'right', 'none', 'right', 'right', 'none', 'right'],
  ],
  [
    'was refused in doubt, and comes again',
    ['answer', 'answer', 'twice', 'stale'],
    ['right', 'right', 'none', 'right'],
  ],
  ['is the first of all', ['lost', 'stale'], ['none', 'right', 'right']],
  [
    'is the first of all, and comes twice more',
    ['lost', 'stale', 'stale'],
    ['none', 'none', 'right', 'right'],
  ],
])('an old telegram that %s', async (_title, fates, expected) => {
  expect(await volumes(fates, { reads: expected.length })).toEqual(expected);
});

test('a meter that begins to count anew is believed again after one read without a value', async () => {
  expect(await volumes(['answer', 'answer', 'answer', 'restarts'], { reads: 6 })).toEqual([
    'right',
    'right',
    'right',
    'none',
    'right',
    'right',
  ]);
});

test('a meter that counts nothing is read all the same, after a doubt as well', async () => {
  const fates: Fate[] = ['answer', 'answer', 'lost'];
  const said = await volumes(fates, { reads: 8, counts: false });
  expect(said.slice(0, 3)).toEqual(['right', 'right', 'none']);
  expect(said.slice(-2)).toEqual(['right', 'right']);
});
