/** What meters froze while nobody read them, from end to end: simulated meters on sockets and pseudo terminals, healed by the edge. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { run as syncTime } from '../edge/commands/sync-time.ts';
import type { Link } from '../edge/config.ts';
import { type AskedProfile, isAsked } from '../edge/drivers/asked-profile.ts';
import type { HistoryRead } from '../edge/healing/frozen-search.ts';
import { openClock } from '../edge/healing/meter-clock.ts';
import { openHistory } from '../edge/healing/open-history.ts';
import { Line } from '../edge/line/line.ts';
import { loadProfiles } from '../edge/profiles.ts';
import { missingPeer } from '../process/peers.ts';
import type { Dlt645Profile } from '../protocols/profile.ts';
import { busMeters } from '../simulators/meters/bus-meters.ts';
import type { Dlt645Memory } from '../simulators/meters/dlt645-memory.ts';
import {
  cjt188Meter,
  dlt645Meter,
  type FramedMeter,
  framedLine,
} from '../simulators/meters/framed-meters.ts';
import { startTcpConverter } from '../simulators/meters/tcp-converter.ts';
import { startTransparentConverter, startTransparentSerial } from '../simulators/meters/transparent-line.ts';
import { Truth } from '../simulators/park/truth.ts';

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const { profiles } = loaded;
function asked(id: string): AskedProfile {
  const profile = profiles.get(id);
  if (!isAsked(profile)) throw new Error(`no profile ${id}`);
  return profile;
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
function lineTo(link: Link): Line {
  const line = new Line({ link, timeoutMilliseconds: 500 });
  cleanups.push(() => line.close());
  return line;
}

const timeZone = 'Asia/Shanghai';
const HOUR_MS = 3_600_000;
const ms = (local: string): number =>
  Temporal.PlainDateTime.from(local).toZonedDateTime(timeZone).epochMilliseconds;
const NOW = '2026-09-20T10:20:00';
/** Read last on the 17th at noon, then not until now. */
const outage = { fromMs: ms('2026-09-17T12:00:03'), toMs: ms('2026-09-20T10:20:00') };
const told = ({ values }: HistoryRead): [string, string, string | null][] =>
  values
    .toSorted((a, b) => a.readAtMs - b.readAtMs)
    .map(({ register, readAtMs, value }) => [
      Temporal.Instant.fromEpochMilliseconds(readAtMs)
        .toZonedDateTimeISO(timeZone)
        .toPlainDateTime()
        .toString(),
      register.obis,
      value,
    ]);
const options = (nowMs = ms(NOW)) => ({
  nowMs: () => nowMs,
  attempts: 1,
  pauses: false,
  timeZone,
  clockOffsetMs: null,
  ...outage,
  wanted: new Set(['1-0:1.8.0']),
});

const START = ms('2026-08-15T00:00:00');
/** 0.25 kWh a quarter of an hour, over a month and two weeks: 1 kWh an hour. */
function steadyTruth(stepMicro = 10_000): Truth {
  const quarters = 45 * 96;
  const counts = Float64Array.from({ length: quarters + 1 }, (_, i) => i * 25);
  const meter = {
    meter: 'M-1',
    register: '1-0:1.8.0',
    unit: 'kWh' as const,
    stepMicro,
    multiplier: 1,
    counts,
    devices: [{ fromMs: START, offset: 100_000, modulus: 1e9 }],
  };
  return new Truth({ fromMs: START, toMs: START + quarters * 900_000, intervalMs: 900_000 }, [meter]);
}
const hoursSince = (local: string): number => (ms(local) - START) / HOUR_MS;

describe('an ADL400', () => {
  async function adl400(id: string, clock: { offsetMs?: number } = {}) {
    const source = { truth: steadyTruth(), profiles, clock: { nowMs: () => ms(NOW), timeZone, ...clock } };
    const bus = { id: 'b', link: 'tcp' as const, meters: [{ meter: 'M-1', profile: id, unit: 7 }] };
    const converter = await startTcpConverter(busMeters(bus, source));
    cleanups.push(converter.close);
    const history = openHistory(asked(id), 7);
    if (history === null) throw new Error('it keeps none');
    return { history, line: lineTo({ kind: 'tcp', host: '127.0.0.1', port: converter.port }) };
  }
  const midnights = ['2026-09-18T00:00:00', '2026-09-19T00:00:00', '2026-09-20T00:00:00'];
  test.each(['acrel-adl400', 'acrel-adl400-secondary'])(
    '%s gives its midnights in an outage of three days',
    async (id) => {
      const { history, line } = await adl400(id);
      const read = await history(line, options());
      expect(told(read)).toEqual(midnights.map((at) => [at, '1-0:1.8.0', String(1000 + hoursSince(at))]));
      expect(read).toMatchObject({ failures: 0, notes: [], fault: null });
    },
  );
  test('gives all midnights of a month', async () => {
    const { history, line } = await adl400('acrel-adl400-secondary');
    const read = await history(line, { ...options(), fromMs: ms('2026-08-20T00:00:01') });
    expect(told(read)).toHaveLength(31);
    expect(told(read)[0]?.[0]).toBe('2026-08-21T00:00:00');
  });
  test('is not believed when its newest day is a day old', async () => {
    const { history, line } = await adl400('acrel-adl400', { offsetMs: -86_400_000 });
    const read = await history(line, options());
    expect(read.values).toEqual([]);
    expect(read.notes).toEqual(['day 1 is of 2026-09-19T00:00:00: not taken']);
  });
});

function memory(offsetSeconds = 0, loadMinutes?: number): Dlt645Memory {
  let shown = Temporal.PlainDateTime.from(NOW).add({ seconds: offsetSeconds });
  return {
    clock: {
      now: () => shown,
      set(to) {
        shown = to;
      },
    },
    valueAt: (obis, at) =>
      obis === '1-0:1.8.0' ? BigInt(Math.floor((1000 + hoursSince(at.toString())) * 100)) * 10_000n : 0n,
    settlementDays: [{ day: 19, hour: 0 }],
    ...(loadMinutes === undefined ? {} : { loadMinutes }),
  };
}
const E = '000000000001';
const dlt645 = (id: string, kept: Dlt645Memory): FramedMeter =>
  dlt645Meter(asked(id) as Dlt645Profile, E, () => 1_000_000n, kept);
async function converterTo(meters: FramedMeter[]): Promise<Line> {
  const converter = await startTransparentConverter(framedLine(meters));
  cleanups.push(converter.close);
  return lineTo({ kind: 'rtu-over-tcp', host: '127.0.0.1', port: converter.port });
}

describe('a DL/T 645 meter', () => {
  const historyOf = (id: string) => {
    const history = openHistory(asked(id), E);
    if (history === null) throw new Error('it keeps none');
    return history;
  };
  test('gives its load records, joined over frames, and asks no midnight then', async () => {
    const line = await converterTo([dlt645('dlt645-2007-1ph', memory(0, 15))]);
    const read = await historyOf('dlt645-2007-1ph')(line, options());
    const values = told(read);
    expect(values).toHaveLength(281);
    expect(values[0]).toEqual([
      '2026-09-17T12:15:00',
      '1-0:1.8.0',
      String(1000 + hoursSince('2026-09-17T12:15:00')),
    ]);
    expect(values.at(-1)?.[0]).toBe('2026-09-20T10:15:00');
    expect(read).toMatchObject({ notes: [], fault: null });
  });
  test('without load records gives its midnights', async () => {
    const line = await converterTo([dlt645('dlt645-2007-3ph', memory())]);
    const read = await historyOf('dlt645-2007-3ph')(line, options());
    expect(told(read).map(([at]) => at)).toEqual([
      '2026-09-18T00:00:00',
      '2026-09-19T00:00:00',
      '2026-09-20T00:00:00',
    ]);
    expect(read.values[0]?.raw).toMatch(/^0000200926/);
  });
  test('of 1997 gives its settlement day, on a serial line', async (context) => {
    const serial = startTransparentSerial(framedLine([dlt645('dlt645-1997', memory())]));
    if (serial === null) return missingPeer(context, 'there are no pseudo terminals');
    cleanups.push(serial.close);
    const line = lineTo({ kind: 'serial', path: serial.path, baudRate: 2400, parity: 'even' });
    const read = await historyOf('dlt645-1997')(line, options());
    expect(told(read)).toEqual([
      ['2026-09-19T00:00:00', '1-0:1.8.0', String(1000 + hoursSince('2026-09-19T00:00:00'))],
    ]);
  });
  test('that falls silent says so, and is asked no more', async () => {
    const line = await converterTo([]);
    const read = await historyOf('dlt645-2007-1ph')(line, options());
    expect(read).toMatchObject({ values: [], requests: 1, fault: { code: 'timeout' } });
  });
});

describe('the clock of a meter', () => {
  test.each([
    ['dlt645-2007-1ph', 90, 90_500],
    ['dlt645-1997', -90, -89_500],
  ])('of %s is %i s off, and half a second for what it cuts off', async (id, seconds, offsetMs) => {
    const line = await converterTo([dlt645(id, memory(seconds))]);
    const measure = openClock(asked(id), E);
    const offset = await measure?.(line, options());
    expect(offset).toEqual({ offsetMs, uncertaintyMs: 500, atMs: ms(NOW) });
  });
  test('of a CJ/T 188 meter stands in its answer', async () => {
    const profile = asked('cjt188-water');
    if (profile.protocol !== 'cjt188') throw new Error('no such profile');
    const address = '78330011223344';
    const now = () => Temporal.PlainDateTime.from('2026-09-20T10:19:00');
    const line = await converterTo([cjt188Meter(profile, address, () => 1_000_000n, now)]);
    expect(await openClock(profile, address)?.(line, options())).toMatchObject({ offsetMs: -59_500 });
  });
  test('of a Modbus model is not known', () => {
    expect(openClock(asked('acrel-adl400'), 1)).toBeNull();
  });
});

describe('meterline sync-time', () => {
  const E2 = '000000000002';
  /** A clock that goes on, so many seconds ahead of this machine's. */
  function running(aheadSeconds: number): Dlt645Memory {
    let offset = Temporal.Duration.from({ seconds: aheadSeconds });
    const real = () => Temporal.Now.plainDateTimeISO(zone);
    return {
      ...memory(),
      clock: {
        now: () => real().add(offset),
        set(to) {
          offset = real().until(to);
        },
      },
    };
  }
  /** Where it is noon now, so that no midnight is near. */
  const zone = `Etc/GMT${((hour) => (hour >= 12 ? `+${hour - 12}` : `-${12 - hour}`))(Temporal.Now.zonedDateTimeISO('UTC').hour)}`;
  async function sync(
    meters: FramedMeter[],
    ...more: string[]
  ): Promise<{ code: number; out: string[]; err: string[] }> {
    const converter = await startTransparentConverter(framedLine(meters));
    cleanups.push(converter.close);
    const out: string[] = [];
    const err: string[] = [];
    vi.spyOn(console, 'log').mockImplementation((row: string) => void out.push(row));
    vi.spyOn(console, 'error').mockImplementation((row: string) => void err.push(row));
    const link = ['--rtu-over-tcp', `127.0.0.1:${converter.port}`, '--timeout', '300'];
    const code = await syncTime([
      '--profile',
      'dlt645-2007-1ph',
      '--unit',
      E,
      '--time-zone',
      zone,
      ...link,
      ...more,
    ]);
    return { code, out, err };
  }
  const profile = asked('dlt645-2007-1ph') as Dlt645Profile;
  const both = (ahead: number) => {
    const memories = [running(ahead), running(ahead)];
    const meters = memories.map((kept, at) => dlt645Meter(profile, at === 0 ? E : E2, () => 0n, kept));
    const offsets = () =>
      memories.map(({ clock }) =>
        Math.round(Temporal.Now.plainDateTimeISO(zone).until(clock.now()).total('seconds')),
      );
    return { meters, offsets };
  };
  test('without --yes only shows the offset', async () => {
    const { meters, offsets } = both(42);
    const { code, out } = await sync(meters, '--broadcast');
    expect([code, offsets()]).toEqual([0, [42, 42]]);
    expect(out[0]).toMatch(/: before \+4[12]\.\d+ s \(within 0\.5\d* s\)$/);
  });
  test('sets the meter that is named', async () => {
    const { meters, offsets } = both(42);
    const { code, out } = await sync(meters, '--yes');
    expect([code, offsets()]).toEqual([0, [0, 42]]);
    expect(out[1]).toMatch(/: after [+-]?[01](\.\d+)? s/);
  });
  test('sets all meters of the line by broadcast', async () => {
    const { meters, offsets } = both(-250);
    expect((await sync(meters, '--yes', '--broadcast')).code).toBe(0);
    expect(offsets()).toEqual([0, 0]);
  });
  test('does not try what a meter does not take', async () => {
    const { meters, offsets } = both(310);
    const { code, err } = await sync(meters, '--yes', '--broadcast');
    expect([code, offsets()]).toEqual([1, [310, 310]]);
    expect(err[0]).toMatch(/more than five minutes/);
  });
  test('tells a silent meter', async () => {
    expect((await sync([], '--yes')).code).toBe(1);
  });
  test.each([
    ['no zone', ['--time-zone', 'Mars/Olympus']],
    ['a Modbus meter', ['--profile', 'acrel-adl400', '--unit', '1']],
  ])('refuses %s', async (_title, more) => {
    expect((await sync([], ...more)).code).toBe(2);
  });
});
