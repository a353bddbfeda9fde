/**
 * A month of a gateway whose clock is set to and fro: by a second, by ten years, for seconds or hours, while the link to the cloud
 * comes and goes. What it sends is billed, and the bills are those of the same month with a clock that nobody touched.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { putPark } from '../bench/park-month.ts';
import { closePeriod } from '../cloud/jobs/close-period.ts';
import { deriveDirtyIntervals } from '../cloud/jobs/derive-intervals.ts';
import { openSigningKey } from '../cloud/signing.ts';
import { openStore, type Store } from '../cloud/store/store.ts';
import { type Outbox, openOutboxOn } from '../edge/outbox.ts';
import { beatMs, Rhythm, registerList } from '../edge/polling/rhythm.ts';
import { WitnessedTime } from '../edge/witnessed-time.ts';
import { formatMicro } from '../protocols/units.ts';
import { UplinkItem } from '../protocols/uplink.ts';
import { type GeneratedPark, generatePark } from '../simulators/park/generate-park.ts';
import { readProfiles } from '../simulators/profiles.ts';
import { type Random, randomStream } from '../simulators/random.ts';
import { compareBills, stateOf } from './close.ts';
import { MemoryDisk } from './memory-disk.ts';
import { newTally, type Tally, type TortureOptions, type TorturePart, tell } from './tally.ts';

const PERIOD = '2026-09';
const INTERVAL_MINUTES = 60;
const EPOCH = '00000000000000aa';
const JUMPS = 200;
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const SIZES = [SECOND_MS, 60 * SECOND_MS, HOUR_MS, DAY_MS, YEAR_MS, 10 * YEAR_MS];
/** The gateway looks at its clock so often while it waits for a boundary. */
const LOOK_MS = 10 * SECOND_MS;
/** Of both clocks that are right; the network's delay is in it. */
const OFF_MS = 300;

export const clocksTorture: TorturePart = {
  name: 'clocks',
  about: `the gateway's clock jumps ${JUMPS} times in a month, by 1 s to 10 years: the same keys, order and bills`,
  rounds: { usual: 1, full: 3 },
  proves: [
    {
      invariant: 11,
      promise: 'clock jumps change no order, key, period or bill',
      of: 'jumps',
      atLeast: JUMPS,
    },
  ],
  run: tortureClocks,
};

async function tortureClocks({ seed, rounds, onRound }: TortureOptions): Promise<Tally> {
  const tally = newTally();
  const folder = mkdtempSync(join(tmpdir(), 'meterline-clocks-'));
  const generated = generatePark({ seed, period: PERIOD, profiles: readProfiles() });
  try {
    const steady = join(folder, 'steady.db');
    await billMonth(steady, folder, generated, null);
    for (let round = 0; round < rounds; round += 1) {
      const file = join(folder, `${round}.db`);
      const jumps = await billMonth(file, folder, generated, randomStream(seed, `torture/clocks/${round}`));
      tally.killed += jumps;
      tell(tally, 'jumps', jumps);
      compareBills(stateOf(steady), stateOf(file), tally);
      onRound(tally);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return tally;
}

/** @param random of the jumps; null: nobody touches the clock. @returns how many there were */
async function billMonth(
  file: string,
  keyFolder: string,
  generated: GeneratedPark,
  random: Random | null,
): Promise<number> {
  const store = await openStore({ file });
  try {
    const { toMs } = generated.truth.grid;
    const parkDigest = await putPark(store, generated.park, toMs);
    const gateway = new JumpingGateway(store, generated, random);
    await gateway.live();
    await deriveDirtyIntervals({ store, park: generated.park, intervalMinutes: INTERVAL_MINUTES }, toMs);
    const closed = await closePeriod({
      store,
      park: generated.park,
      parkDigest,
      period: PERIOD,
      issuedAt: '2026-10-01T02:00:00Z',
      acceptEstimates: null,
      signingKey: openSigningKey(keyFolder),
      intervalMinutes: INTERVAL_MINUTES,
    });
    if (!closed.ok) throw new Error(`${closed.code}: ${closed.detail}`);
    return gateway.jumps;
  } finally {
    await store.close();
  }
}

/** The real clock, rhythms and outbox of a gateway, in time that is told to it. */
class JumpingGateway {
  jumps = 0;
  readonly #store: Store;
  readonly #generated: GeneratedPark;
  readonly #random: Random | null;
  readonly #outbox: Outbox;
  readonly #time: WitnessedTime;
  readonly #rhythms: { meter: string; rhythm: Rhythm }[];
  /** True time, and how far the machine's clock is off. */
  #trueMs: number;
  #offMs = 0;
  #isLinked = true;

  constructor(store: Store, generated: GeneratedPark, random: Random | null) {
    this.#store = store;
    this.#generated = generated;
    this.#random = random;
    const { truth, wiring } = generated;
    const { fromMs, intervalMs } = truth.grid;
    this.#trueMs = fromMs;
    this.#time = new WitnessedTime(this.#ticks());
    const disk = new MemoryDisk(randomStream(1, 'torture/clocks/disk'), 1 << 30);
    this.#outbox = openOutboxOn(disk, { folder: '/outbox', gateway: wiring.gateway, maxBytes: 1 << 28 });
    this.#rhythms = [...truth.meters.values()].map(({ meter, register }) => ({
      meter,
      rhythm: new Rhythm({
        everyMs: intervalMs,
        registers: registerList(truth, [register]),
        acceptedMs: (obis) => this.#outbox.lastAcceptedMs(meter, obis),
      }),
    }));
  }

  /** From the first boundary to the last. */
  async live(): Promise<void> {
    const { toMs, intervalMs, fromMs } = this.#generated.truth.grid;
    const jumpEvery = Math.floor((toMs - fromMs) / LOOK_MS / JUMPS);
    let wakeMs = 0;
    for (let look = 0; this.#trueMs <= toMs; look += 1, this.#trueMs += LOOK_MS) {
      if (look > 0 && look % jumpEvery === 0) this.#jump();
      else if (this.#random?.between(0, jumpEvery) === 0) this.#offMs = 0;
      const nowMs = this.#time.nowMs(this.#ticks());
      // As a wait ends: when its instant has come, or the clock was set back.
      if (nowMs < wakeMs && wakeMs - nowMs <= intervalMs) continue;
      this.#poll(nowMs);
      wakeMs = beatMs(intervalMs, nowMs) + intervalMs;
      await this.#send();
    }
    this.#isLinked = true;
    await this.#send();
  }

  #ticks() {
    return { wallMs: this.#trueMs + this.#offMs, steadyMs: this.#trueMs };
  }

  #jump(): void {
    if (this.#random === null || this.jumps === JUMPS) return;
    this.jumps += 1;
    const size = SIZES[this.#random.between(0, SIZES.length - 1)] ?? SECOND_MS;
    this.#offMs = this.#random.between(0, 1) === 0 ? size : -size;
    this.#isLinked = this.#random.between(0, 3) > 0;
  }

  #poll(nowMs: number): void {
    const { truth } = this.#generated;
    const due = this.#rhythms.filter(({ rhythm }) => rhythm.due(nowMs).size > 0);
    const readAt = Temporal.Instant.fromEpochMilliseconds(nowMs).toString();
    const readings = due.map(({ meter: id, rhythm }) => {
      const meter = truth.of(id);
      rhythm.noteAsked(nowMs);
      rhythm.noteRead([{ register: { obis: meter.register } }], nowMs);
      const value = formatMicro(BigInt(truth.faceMicro(meter, this.#trueMs)));
      return {
        meter: id,
        register: meter.register,
        readAt,
        value,
        unit: meter.unit,
        source: 'poll' as const,
      };
    });
    this.#outbox.append(readings);
    this.#outbox.expire(truth.grid.intervalMs, 400 * DAY_MS);
  }

  /** All that waits, and what the cloud's clock shows with its receipts. */
  async #send(): Promise<void> {
    if (!this.#isLinked) return;
    const { wiring, truth } = this.#generated;
    const at = Temporal.Instant.fromEpochMilliseconds(truth.grid.toMs).toString();
    for (;;) {
      const items = this.#outbox.after(0, 1_000).map(({ json }) => UplinkItem.parse(JSON.parse(json)));
      const [from, to] = [items[0]?.sequence, items.at(-1)?.sequence];
      if (from === undefined || to === undefined) return;
      await this.#store.ingestBatch({ gateway: wiring.gateway, epoch: EPOCH, from, to, items }, at);
      this.#outbox.acknowledge({ epoch: this.#outbox.epoch, from, to });
      this.#time.heardCloud(this.#trueMs + (this.#random?.between(-OFF_MS, OFF_MS) ?? 0), this.#trueMs);
    }
  }
}
