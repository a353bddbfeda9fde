/** What meters that do not answer cost their bus, reckoned in the wire time of a real one, and nobody else. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { BusPoller } from './bus-poller.ts';
import { loadProfiles } from './profiles.ts';
import { type MeterImage, serveMeters, type TestMeters } from './test-meters.ts';

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const { profiles } = loaded;

const METERS = 32;
/** 60 registers at 9600 baud and 20 ms. */
const ANSWER_MS = 163;
/** The usual timeout, and the silence after it. */
const SILENCE_MS = 1050;
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
  /** When each silent unit was asked. */
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
      clock: { nowMs: () => this.nowMs, until: () => Promise.reject(new Error('nobody waits here')) },
      pauses: false,
      lastAcceptedMs: () => null,
      log: { info: vi.fn(), warn: vi.fn() },
    });
  }

  /** Reads everybody once, and lets pass what that takes. */
  async sweep(): Promise<void> {
    const from = this.server.requests.length;
    const readings = await this.poller.sweep(this.nowMs, new AbortController().signal);
    for (const { meter } of readings) {
      const unit = Number(meter);
      this.values.set(unit, (this.values.get(unit) ?? 0) + 1);
    }
    const asked = this.server.requests.slice(from);
    const silent = asked.filter((unit) => !this.server.meters.has(unit));
    for (const unit of silent)
      this.askedAt.set(unit, [...(this.askedAt.get(unit) ?? []), this.nowMs - START]);
    this.nowMs += silent.length * SILENCE_MS + (asked.length - silent.length) * ANSWER_MS;
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

describe('a bus of 32 meters', () => {
  test('one of which is dead leaves the others at least 97 % of their rate', async () => {
    const bus = await busWithout([7]);
    await bus.sweepFor(10 * 60_000);
    const undisturbed = (bus.nowMs - START) / ((METERS - 1) * ANSWER_MS);
    expect((bus.values.get(8) ?? 0) / undisturbed).toBeGreaterThanOrEqual(0.97);
    expect(bus.values.get(7)).toBeUndefined();
  });

  test('probes a dead one once a step, which grows to 300 s, and reads it again at the next', async () => {
    const bus = await busWithout([7]);
    await bus.sweepFor(20 * 60_000);
    const asked = bus.askedAt.get(7) ?? [];
    const gaps = asked.slice(2).map((at, i) => at - (asked[i + 1] ?? 0));
    const steps = [2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((seconds) => seconds * 1000);
    expect(asked[1]).toBe(asked[0]);
    for (const [i, gap] of gaps.entries()) expect(gap).toBeGreaterThanOrEqual(steps[i] ?? Number.NaN);
    expect(gaps.length).toBeGreaterThanOrEqual(9);
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
