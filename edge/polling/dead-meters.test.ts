/** What meters that do not answer cost their bus, reckoned in the wire time of a real one, and nobody else. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { loadProfiles } from '../profiles.ts';
import { type MeterImage, serveMeters, type TestMeters } from '../test-meters.ts';
import { patienceMs } from './backoff.ts';
import { BusPoller } from './bus-poller.ts';
import { MeterMemory } from './meter-memory.ts';

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const shipped = loaded.profiles.get('acrel-dtsd1352');
if (shipped?.protocol !== 'modbus') throw new Error('no profile');
/** Time is simulated: it needs no rests. */
const profiles = new Map([[shipped.id, { ...shipped, pauseMilliseconds: 0 }]]);

const METERS = 32;
const TURNAROUND_MS = 20;
/** 60 registers at 9600 baud. */
const ANSWER_MS = TURNAROUND_MS + 143;
const TIMEOUT_MS = 1000;
/** What a silent unit costs beside the wait for it: the last hearing, and the silence of the line after it. */
const DOUBT_MS = 60;
/** The steps of its backoff. */
const STEPS_MS = [5_000, 20_000, 80_000, 300_000, 300_000];
const START = Temporal.Instant.from('2026-09-01T00:00:00Z').epochMilliseconds;
const image: MeterImage = { 3: { 10: '00000001' } };

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A bus of 32 meters and the time that its requests would take. */
class SimulatedBus {
  nowMs = START;
  readonly server: TestMeters;
  readonly poller: BusPoller;
  /** How often each unit gave a value. */
  readonly values = new Map<number, number>();
  /** When each silent unit was asked, from its death on. */
  readonly askedAt = new Map<number, number[]>();

  constructor(server: TestMeters, id: string) {
    this.server = server;
    const units = Array.from({ length: METERS }, (_, i) => i + 1);
    this.poller = new BusPoller({
      bus: {
        id,
        link: { kind: 'tcp', host: '127.0.0.1', port: server.port },
        timeoutMilliseconds: 60,
        meters: units.map((unit) => ({ meter: `${unit}`, profile: 'acrel-dtsd1352', unit })),
      },
      profiles,
      memory: new MeterMemory(),
      clock: { nowMs: () => this.nowMs, until: () => Promise.reject(new Error('nobody waits here')) },
      intervalMs: 1,
      driven: false,
      lastAcceptedMs: () => null,
      log: { info: vi.fn(), warn: vi.fn(), error: vi.fn() },
    });
  }

  /** Reads everybody once, and lets pass what that takes. */
  async sweep(): Promise<void> {
    const from = this.server.requests.length;
    const readings = await this.poller.round(new AbortController().signal);
    for (const { meter } of readings) {
      const unit = Number(meter);
      this.values.set(unit, (this.values.get(unit) ?? 0) + 1);
    }
    const startMs = this.nowMs;
    if (this.server.requests.length === from) this.nowMs += TIMEOUT_MS;
    for (const unit of this.server.requests.slice(from)) {
      const asked = this.askedAt.get(unit) ?? [];
      if (this.server.meters.has(unit)) this.nowMs += ANSWER_MS;
      else {
        // The second time is in the same round; each later one follows a step of its backoff.
        const failures = Math.max(asked.length - 1, 0);
        this.nowMs += (patienceMs({ failures, untilMs: 0 }, TURNAROUND_MS) ?? TIMEOUT_MS) + DOUBT_MS;
        this.askedAt.set(unit, [...asked, startMs]);
      }
    }
  }

  async sweepFor(milliseconds: number): Promise<void> {
    for (const end = this.nowMs + milliseconds; this.nowMs < end; ) await this.sweep();
  }
}

async function busWithout(dead: number[], id = 'bus-1'): Promise<SimulatedBus> {
  const units = Array.from({ length: METERS }, (_, i) => i + 1).filter((unit) => !dead.includes(unit));
  const server = await serveMeters(Object.fromEntries(units.map((unit) => [unit, image])));
  cleanups.push(() => server.close());
  const bus = new SimulatedBus(server, id);
  cleanups.push(() => bus.poller.close());
  return bus;
}

/** How often unit 8 was read while `milliseconds` went by, of how often it would have been had nobody died. */
async function keptRate(bus: SimulatedBus, milliseconds: number): Promise<number> {
  const [before, startMs] = [bus.values.get(8) ?? 0, bus.nowMs];
  await bus.sweepFor(milliseconds);
  return ((bus.values.get(8) ?? 0) - before) / ((bus.nowMs - startMs) / (METERS * ANSWER_MS));
}

describe('a bus of 32 meters', () => {
  test('one of which dies leaves the others at least 97 % of their rate, in the first minute and after', async () => {
    const bus = await busWithout([]);
    await bus.sweepFor(10_000);
    bus.server.meters.delete(7);
    expect(await keptRate(bus, 60_000)).toBeGreaterThanOrEqual(0.97);
    expect(await keptRate(bus, 600_000)).toBeGreaterThanOrEqual(0.97);
    expect(bus.poller.status()).toMatchObject({ silent: ['7'], retries: 1 });
  });

  test('probes a dead one once a step, which grows to 300 s, and reads it again at the next', async () => {
    const bus = await busWithout([7]);
    await bus.sweepFor(16 * 60_000);
    const asked = bus.askedAt.get(7) ?? [];
    const gaps = asked.slice(2).map((at, i) => at - (asked[i + 1] ?? 0));
    expect(asked[1]).toBe(asked[0]);
    for (const [i, gap] of gaps.entries()) expect(gap).toBeGreaterThanOrEqual(STEPS_MS[i] ?? Number.NaN);
    expect(gaps).toHaveLength(STEPS_MS.length);
    bus.server.meters.set(7, image);
    await bus.sweepFor(310_000);
    const before = bus.values.get(7) ?? 0;
    expect(before).toBeGreaterThan(0);
    await bus.sweep();
    expect(bus.values.get(7)).toBe(before + 1);
    expect(bus.poller.status().silent).toEqual([]);
  });

  test('twelve of which are dead reads the twenty others each time, and no other bus knows of it', async () => {
    const dead = Array.from({ length: 12 }, (_, i) => 2 * i + 1);
    const bus = await busWithout(dead);
    const other = await busWithout([], 'bus-2');
    for (let sweep = 1; sweep <= 3; sweep += 1) {
      await Promise.all([bus.sweep(), other.sweep()]);
      expect([...bus.values]).toEqual(
        Array.from({ length: METERS }, (_, i) => i + 1)
          .filter((unit) => !dead.includes(unit))
          .map((unit) => [unit, sweep]),
      );
      expect([...other.values.values()]).toEqual(Array(METERS).fill(sweep));
    }
    expect(bus.poller.status().silent).toEqual(dead.map(String));
    expect(other.poller.status()).toMatchObject({ silent: [] });
  });
});
