/** Quarantine is bounded, on every store: what makes room, in which order, and what never goes by itself. */
import { afterAll, afterEach, describe, expect, type TestContext, test } from 'vitest';
import { requirePeer } from '../../process/peers.ts';
import type { QuarantineOperations } from './port/quarantine.ts';
import { type Database, openDatabase as openPostgres } from './postgres/open-database.ts';
import { operations as onPostgres } from './postgres/quarantine.ts';
import { postgresProgram, startTestServer, type TestServer } from './postgres/test-server.ts';
import { openDatabase } from './sqlite/open-database.ts';
import { operations as onSqlite } from './sqlite/quarantine.ts';
import type { Asynchronous } from './store.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 8, 1);
const at = '2026-09-01T00:00:00Z';
const limits = { rows: 4, bytes: 1000, closedDays: 30 };

type Quarantine = Asynchronous<QuarantineOperations>;

let cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.reverse()) await step();
  cleanUp = [];
});

async function embedded(): Promise<Quarantine> {
  const db = openDatabase(':memory:');
  cleanUp.push(() => db.close());
  const table: Record<string, (...args: never[]) => unknown> = { ...onSqlite(db, limits) };
  return Object.fromEntries(
    Object.entries(table).map(([name, operation]) => [name, async (...args: never[]) => operation(...args)]),
  ) as Quarantine;
}

let server: TestServer | undefined;
afterAll(() => server?.close());
async function postgres(context: TestContext): Promise<Quarantine> {
  requirePeer(context, postgresProgram());
  server ??= await startTestServer();
  const db: Database = await openPostgres(await server.createDatabase());
  cleanUp.push(() => db.close());
  return onPostgres(db, limits);
}

describe.each([
  ['sqlite', embedded],
  ['postgres', postgres],
] as const)('%s', (_, open) => {
  const opened = async (context: TestContext) => {
    const quarantine = await open(context);
    const entries = () => quarantine.quarantineEntries({ limit: 99 });
    return {
      quarantine,
      message: (payload: string, gateway = 'gw-a') =>
        quarantine.quarantine({ gateway, topic: 't', code: 'not_json', detail: '', payload, at }),
      item: (sequence: number, gateway = 'gw-a', payload = `${sequence}`) =>
        quarantine.quarantine(
          { gateway, topic: 't', code: 'conflict', detail: '', payload, at },
          { epoch: '00112233aabbccdd', sequence },
        ),
      kept: async () => (await entries()).map(({ payload }) => payload),
      async dismiss(payload: string) {
        const id = (await entries()).find((entry) => entry.payload === payload)?.id ?? 0;
        return quarantine.dismissQuarantined({ id, at, by: 'operator', reason: 'seen' });
      },
    };
  };

  test('room is made by what is closed, then by whole messages, each the oldest first, and what went is counted', async (context) => {
    const { message, item, dismiss, kept, quarantine } = await opened(context);
    await message('m1');
    await message('m2');
    await item(3);
    await item(4);
    await dismiss('4');
    await item(5);
    expect(await kept()).toEqual(['5', '3', 'm2', 'm1']);
    await item(6);
    expect(await kept()).toEqual(['6', '5', '3', 'm2']);
    await item(7);
    expect(await kept()).toEqual(['7', '6', '5', '3']);
    expect(await quarantine.quarantineDropped()).toEqual([
      { gateway: 'gw-a', code: 'conflict', state: 'dismissed', count: 1, lastAt: at },
      { gateway: 'gw-a', code: 'not_json', state: 'held', count: 2, lastAt: at },
    ]);
    expect(await quarantine.quarantineCount()).toBe(4);
  });

  test('an item that was receipted never goes by itself: a full quarantine takes no more of its gateway, all of the others', async (context) => {
    const { message, item, dismiss, kept, quarantine } = await opened(context);
    for (let n = 1; n <= 4; n += 1) await item(n);
    await expect(item(5)).rejects.toThrow('the quarantine of "gw-a" is full');
    await message('m');
    expect(await kept()).toEqual(['4', '3', '2', '1']);
    expect(await quarantine.quarantineDropped()).toMatchObject([
      { code: 'not_json', state: 'held', count: 1 },
    ]);
    await item(1, 'gw-b');
    await dismiss('2');
    await item(5);
    expect(await quarantine.quarantineCount()).toBe(5);
  });

  test('bytes are bounded as rows are', async (context) => {
    const { message, item, kept } = await opened(context);
    await message('x'.repeat(600));
    await item(1, 'gw-a', 'é'.repeat(300));
    expect(await kept()).toEqual(['é'.repeat(300)]);
    await expect(item(2, 'gw-a', 'y'.repeat(401))).rejects.toThrow('full');
    await item(2, 'gw-a', 'y'.repeat(400));
  });

  test('what was closed long ago is forgotten, what is held is not', async (context) => {
    const { item, dismiss, kept, quarantine } = await opened(context);
    await item(1);
    await item(2);
    await dismiss('1');
    expect(await quarantine.forgetClosed(NOW_MS + 30 * DAY_MS)).toBe(0);
    expect(await quarantine.forgetClosed(NOW_MS + 31 * DAY_MS)).toBe(1);
    expect(await kept()).toEqual(['2']);
  });
});
