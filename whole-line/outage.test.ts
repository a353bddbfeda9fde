/** An outage from end to end: a gateway that is away for three days, or a meter that is silent, and what is billed by then. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { boundaryRegisters } from '../cloud/jobs/boundary-registers.ts';
import { deriveDirtyIntervals } from '../cloud/jobs/derive-intervals.ts';
import { at, meter, park, timeZone } from '../cloud/jobs/fixture-site.ts';
import { openStore, type Store } from '../cloud/store/store.ts';
import type { NewReading } from '../edge/buffer/outbox-items.ts';
import type { Bus } from '../edge/config.ts';
import { OpenGaps } from '../edge/healing/open-gaps.ts';
import { openOutbox } from '../edge/outbox.ts';
import { startPolling } from '../edge/poll.ts';
import { loadProfiles } from '../edge/profiles.ts';
import type { Dlt645Profile } from '../protocols/profile.ts';
import { formatMicro } from '../protocols/units.ts';
import { UplinkItem } from '../protocols/uplink.ts';
import { busMeters } from '../simulators/meters/bus-meters.ts';
import { dlt645Meter, type FramedMeter, framedLine } from '../simulators/meters/framed-meters.ts';
import { startTcpConverter } from '../simulators/meters/tcp-converter.ts';
import { startTransparentConverter } from '../simulators/meters/transparent-line.ts';
import { Truth } from '../simulators/park/truth.ts';

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const { profiles } = loaded;

const QUARTER_MS = 900_000;
const start = at('2026-08-20T00:00');
/** Counts 40 Wh more in each quarter of a day than on the day before. */
const truth = ((): Truth => {
  const counts = new Float64Array(20 * 96 + 1);
  for (let i = 1; i < counts.length; i++)
    counts[i] = (counts[i - 1] ?? 0) + 10 + 4 * Math.floor((i - 1) / 96);
  const one = {
    ...{
      meter: 'E-1',
      register: '1-0:1.8.0',
      unit: 'kWh' as const,
      stepMicro: 10_000,
      multiplier: 1,
      counts,
    },
    devices: [{ fromMs: start, offset: 1_000, modulus: 1e8 }],
  };
  return new Truth(
    { fromMs: start, toMs: start + (counts.length - 1) * QUARTER_MS, intervalMs: QUARTER_MS },
    [one],
  );
})();
const face = (ms: number): bigint => BigInt(truth.faceMicro(truth.of('E-1'), ms));

/** The one clock of gateway and meters; a meter's own one is so far ahead. */
let nowMs = 0;
let aheadMs = 0;
let dir: string;
let store: Store;
const cleanups: (() => unknown)[] = [];
beforeEach(async () => {
  aheadMs = 0;
  dir = mkdtempSync(join(tmpdir(), 'meterline-outage-'));
  store = await openStore({ file: ':memory:' });
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await store.close();
  rmSync(dir, { recursive: true });
});

let converter: Awaited<ReturnType<typeof startTcpConverter>>;
async function adl400(): Promise<Bus> {
  const wiring = {
    id: 'bus-1',
    link: 'tcp' as const,
    meters: [{ meter: 'E-1', profile: 'acrel-adl400', unit: 1 }],
  };
  const clock = { nowMs: () => nowMs, timeZone };
  converter = await startTcpConverter(busMeters(wiring, { truth, profiles, clock }));
  cleanups.push(converter.close);
  const link = { kind: 'tcp' as const, host: '127.0.0.1', port: converter.port };
  return { id: 'bus-1', link, timeoutMilliseconds: 300, meters: wiring.meters };
}

const ADDRESS = '000000000001';
let framedMeters: FramedMeter[] = [];
async function dlt645(loadMinutes?: number): Promise<Bus> {
  const local = (ms: number) =>
    Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone).toPlainDateTime();
  const memory = {
    clock: { now: () => local(nowMs + aheadMs), set: () => undefined },
    valueAt: (obis: string, when: Temporal.PlainDateTime) =>
      obis === '1-0:1.8.0' ? face(at(when.toString()) - aheadMs) : 0n,
    settlementDays: [{ day: 1, hour: 0 }],
    ...(loadMinutes === undefined ? {} : { loadMinutes }),
  };
  const profile = profiles.get('dlt645-2007-3ph') as Dlt645Profile;
  framedMeters = [dlt645Meter(profile, ADDRESS, () => face(nowMs), memory)];
  const transparent = await startTransparentConverter(framedLine(framedMeters));
  cleanups.push(transparent.close);
  const link = { kind: 'rtu-over-tcp' as const, host: '127.0.0.1', port: transparent.port };
  const meters = [{ meter: 'E-1', profile: 'dlt645-2007-3ph', unit: ADDRESS }];
  return { id: 'bus-1', link, timeoutMilliseconds: 300, meters };
}

/** A gateway over `[from, to]`: polls on each quarter, and is then switched off. */
async function runGateway(
  bus: Bus,
  from: string,
  to: string,
  happens: (ms: number) => Promise<void> = async () => undefined,
) {
  nowMs = at(from);
  const endMs = at(to);
  const outbox = openOutbox({ folder: join(dir, 'outbox'), gateway: 'gw-a', maxBytes: 1e8 });
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const polling = startPolling({
    config: { buses: [bus], pollIntervalSeconds: 900, clock: 'driven' },
    profiles,
    clock: {
      nowMs: () => nowMs,
      async until(ms, signal) {
        if (ms > endMs) {
          end();
          await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
        }
        nowMs = Math.max(nowMs, ms);
        await happens(nowMs);
      },
    },
    outbox: {
      accept: async (readings: NewReading[]) => void outbox.append(readings),
      lastAcceptedMs: (id, register) => outbox.lastAcceptedMs(id, register),
    },
    care: {
      timeZone,
      gaps: new OpenGaps(join(dir, 'gaps.json')),
      lastAccepted: (id, register) => outbox.lastAccepted(id, register),
    },
    log,
  });
  await over;
  const clocks = polling.clockOffsets();
  await polling.stop();
  const items = outbox.after(0, 10_000).map(({ json }) => UplinkItem.parse(JSON.parse(json)));
  const { epoch } = outbox;
  outbox.close();
  return { items, epoch, log, clocks };
}

const site = park([meter('E-1', { multiplier: '1' })]);
async function billed(run: Awaited<ReturnType<typeof runGateway>>, through: string) {
  const { items, epoch } = run;
  const batch = { gateway: 'gw-a', epoch, from: 1, to: items.length, items };
  const result = await store.ingestBatch(batch, '2026-09-05T00:00:00Z');
  expect(result).toMatchObject({ stored: items.length, duplicates: 0, quarantined: 0 });
  const context = { store, park: site, intervalMinutes: 15 };
  await deriveDirtyIntervals(context, at(through));
  return {
    total: async (from: string, to: string) => {
      const rows = await store.intervals({ meters: ['E-1'], fromMs: at(from), toMs: at(to) });
      return formatMicro(rows.reduce((sum, { quantity }) => sum + (quantity ?? 0n), 0n));
    },
    methods: async (from: string, to: string) => {
      const rows = await store.intervals({ meters: ['E-1'], fromMs: at(from), toMs: at(to) });
      return [...new Set(rows.map(({ quality, method }) => `${quality} ${method}`))];
    },
    register: async (when: string) =>
      (await boundaryRegisters(context, site.meters[0] ?? meter('E-1'), [at(when)])).registers[0],
  };
}
const frozenOf = ({ items }: Awaited<ReturnType<typeof runGateway>>) =>
  items.flatMap((item) => (item.kind === 'reading' && item.source === 'frozen' ? [item] : []));
const counted = (from: string, to: string): string => formatMicro(face(at(to)) - face(at(from)));
const DAYS = ['2026-08-30T00:00', '2026-08-31T00:00', '2026-09-01T00:00', '2026-09-02T00:00'];

describe('a gateway that was off from the evening of the 29th to the morning of the 2nd', () => {
  async function outage(bus: Bus) {
    const before = await runGateway(bus, '2026-08-29T17:45', '2026-08-29T18:00');
    expect(frozenOf(before)).toEqual([]);
    return runGateway(bus, '2026-09-02T09:00', '2026-09-02T09:15');
  }

  test('an ADL400 gives its midnights: each day is exact, and so is the register of the month', async () => {
    const run = await outage(await adl400());
    const values = frozenOf(run).map(({ readAt, value, raw }) => [
      Temporal.Instant.from(readAt).epochMilliseconds,
      value,
      raw?.length,
    ]);
    // The primary side shows tenths.
    expect(values).toEqual(
      DAYS.map((day) => [at(day), formatMicro((face(at(day)) / 100_000n) * 100_000n), 16]),
    );
    const cloud = await billed(run, '2026-09-02T00:00');
    for (const [index, day] of DAYS.slice(1).entries()) {
      const tenths = (ms: number) => (face(ms) / 100_000n) * 100_000n;
      expect(await cloud.total(DAYS[index] ?? '', day)).toBe(
        formatMicro(tenths(at(day)) - tenths(at(DAYS[index] ?? ''))),
      );
    }
    expect(await cloud.register('2026-09-01T00:00')).toMatchObject({ estimated: false, frozen: true });
    expect(run.log.info).toHaveBeenCalledWith(
      expect.objectContaining({ readings: 4, refused: 0 }),
      'gap healed',
    );
  });

  test('a DL/T 645 meter gives its load records: no quarter of an hour is estimated', async () => {
    const run = await outage(await dlt645(15));
    expect(frozenOf(run)).toHaveLength(4 * 87 - 1);
    const cloud = await billed(run, '2026-09-02T00:00');
    expect(await cloud.methods('2026-08-30T00:00', '2026-09-02T00:00')).toEqual(['actual frozen']);
    expect(await cloud.total('2026-08-29T18:00', '2026-09-02T09:00')).toBe(
      counted('2026-08-29T18:00', '2026-09-02T09:00'),
    );
    expect(run.clocks).toMatchObject([{ meter: 'E-1', offsetSeconds: 0.5, uncertaintySeconds: 0.5 }]);
  });

  test('without load records it gives its midnights', async () => {
    const run = await outage(await dlt645());
    expect(frozenOf(run).map(({ readAt }) => Temporal.Instant.from(readAt).epochMilliseconds)).toEqual(
      DAYS.map(at),
    );
  });

  test('of a meter whose clock is ten minutes off nothing is taken: it is told', async () => {
    aheadMs = 600_000;
    const run = await outage(await dlt645(15));
    expect(frozenOf(run)).toEqual([]);
    expect(run.clocks).toMatchObject([{ offsetSeconds: 600.5 }]);
    expect(run.log.warn).toHaveBeenCalledWith(
      expect.objectContaining({ clockOffsetSeconds: 600.5 }),
      expect.stringMatching(/^gap not healed/),
    );
  });

  test('of a meter whose clock is two minutes off what it froze keeps its own time', async () => {
    aheadMs = 120_000;
    const run = await outage(await dlt645());
    expect(frozenOf(run).map(({ readAt }) => Temporal.Instant.from(readAt).epochMilliseconds)).toEqual(
      DAYS.map(at),
    );
    expect(run.log.info).toHaveBeenCalledWith(
      expect.objectContaining({ clockOffsetSeconds: 120.5 }),
      'gap healed',
    );
  });

  test('a gap is healed once', async () => {
    const bus = await dlt645();
    await outage(bus);
    const after = await runGateway(bus, '2026-09-02T09:30', '2026-09-02T10:00');
    expect(frozenOf(after)).toHaveLength(4);
    const instants = after.items.flatMap((item) =>
      item.kind === 'reading' ? [`${item.register} ${item.readAt}`] : [],
    );
    expect(new Set(instants).size).toBe(instants.length);
  });

  test('a gap that was open when the gateway went down is healed by the next start', async () => {
    const bus = await dlt645();
    await runGateway(bus, '2026-08-29T17:45', '2026-08-29T18:00');
    const gaps = new OpenGaps(join(dir, 'gaps.json'));
    gaps.add({
      meter: 'E-1',
      fromMs: at('2026-08-25T12:00'),
      toMs: at('2026-08-26T12:00'),
      registers: [{ obis: '1-0:1.8.0', before: null, after: null }],
      tries: 1,
    });
    const run = await runGateway(bus, '2026-08-29T18:15', '2026-08-29T18:15');
    expect(frozenOf(run).map(({ readAt }) => Temporal.Instant.from(readAt).epochMilliseconds)).toEqual([
      at('2026-08-26T00:00'),
    ]);
    expect(new OpenGaps(join(dir, 'gaps.json')).of('E-1')).toEqual([]);
  });
});

test('a short silence that no boundary of the meter fell in heals nothing, and does not complain', async () => {
  const bus = await adl400();
  await runGateway(bus, '2026-08-29T17:45', '2026-08-29T18:00');
  const run = await runGateway(bus, '2026-08-29T19:00', '2026-08-29T19:00');
  expect(frozenOf(run)).toEqual([]);
  expect(run.log.warn).not.toHaveBeenCalled();
  expect(run.log.info).toHaveBeenCalledWith(
    expect.objectContaining({ readings: 0 }),
    'gap not healed: nothing was frozen in it',
  );
});

test('a bus that was away for two days is healed when it is back, while the gateway runs on', async () => {
  const bus = await adl400();
  const run = await runGateway(bus, '2026-08-29T17:45', '2026-08-31T20:00', async (ms) => {
    if (ms >= at('2026-08-29T18:15') && ms < at('2026-08-31T19:00')) await converter.off();
    else await converter.on();
  });
  expect(frozenOf(run).map(({ readAt }) => Temporal.Instant.from(readAt).epochMilliseconds)).toEqual(
    ['2026-08-30T00:00', '2026-08-31T00:00'].map(at),
  );
});

test('a meter that was silent over midnight is healed when it answers again', async () => {
  const bus = await dlt645();
  let isSilent = false;
  const own = framedMeters[0]?.answer;
  if (own === undefined) throw new Error('there is no meter');
  const silenced = vi.spyOn(framedMeters[0] as FramedMeter, 'answer');
  silenced.mockImplementation((frame) => (isSilent ? null : own(frame)));
  const run = await runGateway(
    { ...bus, timeoutMilliseconds: 20 },
    '2026-08-31T22:30',
    '2026-09-01T01:00',
    async (ms) => {
      isSilent = ms >= at('2026-08-31T22:45') && ms < at('2026-09-01T00:45');
    },
  );
  expect(frozenOf(run).map(({ readAt }) => Temporal.Instant.from(readAt).epochMilliseconds)).toEqual([
    at('2026-09-01T00:00'),
  ]);
});
