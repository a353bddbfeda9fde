/**
 * A world in memory, made from one number: gateways, a network and the cloud's ingest, with kills, power cuts, full and failing
 * disks, lost, doubled and late messages, and messages that no cloud can take. When all that is over it must have come to this:
 * every reading that a gateway accepted is stored once and unchanged, or a marker in the store says why it is not.
 */
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import * as changes from '../cloud/store/sqlite/changes.ts';
import * as evidence from '../cloud/store/sqlite/evidence.ts';
import * as exported from '../cloud/store/sqlite/exports.ts';
import * as ingest from '../cloud/store/sqlite/ingest.ts';
import * as quarantine from '../cloud/store/sqlite/quarantine.ts';
import * as readings from '../cloud/store/sqlite/readings.ts';
import type { OutboxItem } from '../edge/outbox.ts';
import { Batch, type Receipt } from '../protocols/uplink.ts';
import { type Random, randomStream } from '../simulators/random.ts';
import { Agenda } from './agenda.ts';
import { type Fate, WorldGateway } from './world-gateway.ts';

export interface WorldReport {
  accepted: number;
  stored: number;
  /** Not stored, and a marker says so. */
  marked: number;
  lost: string[];
  duplicated: string[];
  altered: string[];
  /** Kills, power cuts and faults of disks. */
  faults: number;
  messages: number;
}

const TROUBLE_MS = 60_000;
const PATIENCE_MS = 3_600_000;
const INGESTED_AT = '2027-01-01T00:00:00Z';

interface Sent {
  gateway: string;
  epoch: string;
  items: readonly OutboxItem[];
}

export function runWorld(seed: number): WorldReport {
  const world = new World(seed);
  world.trouble();
  world.settle();
  return world.report();
}

class World {
  readonly #agenda = new Agenda();
  readonly #random: Random;
  readonly #db = new DatabaseSync(':memory:');
  readonly #store: ReturnType<typeof ingest.operations>;
  readonly #gateways = new Map<string, WorldGateway>();
  #troubled = true;
  #linkUp = true;
  /** Of messages that arrive, so many of a thousand are lost, doubled, late; and items that nobody can take. */
  readonly #rates: { lost: number; doubled: number; late: number; poison: number };
  #faults = 0;
  #messages = 0;

  constructor(seed: number) {
    this.#random = randomStream(seed, 'world');
    for (const subject of [readings, quarantine, changes, exported, evidence, ingest])
      this.#db.exec(subject.schema);
    this.#store = ingest.operations(this.#db);
    const chance = (most: number): number => this.#random.between(0, most);
    this.#rates = { lost: chance(300), doubled: chance(300), late: chance(300), poison: chance(3) - 2 };
    const maxBytes = this.#random.between(0, 1) === 0 ? 1 << 20 : 64 * 1024;
    for (let n = 1; n <= this.#random.between(1, 3); n += 1) {
      const name = `gw-${n}`;
      const gateway = new WorldGateway({
        name,
        agenda: this.#agenda,
        random: randomStream(seed, name),
        maxBytes,
        send: (sent) => this.#carry(() => this.#ingest(sent)),
        isLinkUp: () => this.#linkUp,
      });
      this.#gateways.set(name, gateway);
    }
  }

  /** A minute in which everything goes wrong now and then. */
  trouble(): void {
    for (const gateway of this.#gateways.values()) this.#keepTaking(gateway);
    this.#keepFailing();
    while (this.#agenda.step(TROUBLE_MS));
    this.#troubled = false;
    this.#linkUp = true;
    for (const gateway of this.#gateways.values()) {
      gateway.disk.room = Number.POSITIVE_INFINITY;
      gateway.disk.goodFlushes = Number.POSITIVE_INFINITY;
      gateway.crash(false);
    }
  }

  /** Work goes on, a little: what nobody takes is known by others being taken. */
  settle(): void {
    for (const gateway of this.#gateways.values()) this.#keepTakingSome(gateway);
    const until = this.#agenda.nowMs + PATIENCE_MS;
    while (![...this.#gateways.values()].every(({ isDrained }) => isDrained) && this.#agenda.step(until));
  }

  report(): WorldReport {
    const report: WorldReport = {
      accepted: 0,
      stored: 0,
      marked: 0,
      lost: [],
      duplicated: [],
      altered: this.#refusedByTheStore(),
      faults: this.#faults,
      messages: this.#messages,
    };
    const stored = Map.groupBy(
      this.#rows('SELECT meter, register, instant, value FROM reading'),
      ({ meter, register, instant }) => `${meter} ${register} ${instant}`,
    );
    const markers = Map.groupBy(
      this.#rows('SELECT meter, register, from_instant AS fromMs, to_instant AS toMs FROM gap_marker'),
      ({ meter, register }) => `${meter} ${register}`,
    );
    for (const gateway of this.#gateways.values())
      for (const [reading, fate] of gateway.fates) {
        const { meter, register, readAt, value } = reading;
        const atMs = BigInt(Temporal.Instant.from(readAt).epochMilliseconds);
        const found = stored.get(`${meter} ${register} ${atMs}`) ?? [];
        const spans = markers.get(`${meter} ${register}`) ?? [];
        judge(report, {
          name: `${meter} ${register} ${readAt}`,
          fate,
          isMarked: spans.some(({ fromMs, toMs }) => Number(fromMs) <= atMs && atMs <= Number(toMs)),
          areRight: found.map((row) => row.value === BigInt(value ?? 0) * 1_000_000n),
        });
      }
    return report;
  }

  /** Nothing that a gateway sends contradicts what it sent before. */
  #refusedByTheStore(): string[] {
    return this.#rows('SELECT code, detail FROM quarantine').map(({ code, detail }) => `${code}: ${detail}`);
  }

  #rows(sql: string): Record<string, SQLOutputValue>[] {
    const statement = this.#db.prepare(sql);
    statement.setReadBigInts(true);
    return statement.all();
  }

  #keepTaking(gateway: WorldGateway): void {
    this.#agenda.after(this.#random.between(50, 3_000), () => {
      gateway.take(this.#random.between(1, this.#random.between(0, 9) === 0 ? 400 : 20));
      if (this.#troubled) this.#keepTaking(gateway);
    });
  }

  #keepTakingSome(gateway: WorldGateway): void {
    this.#agenda.after(20_000, () => {
      gateway.take(1);
      this.#keepTakingSome(gateway);
    });
  }

  #keepFailing(): void {
    this.#agenda.after(this.#random.between(200, 6_000), () => {
      if (!this.#troubled) return;
      const gateways = [...this.#gateways.values()];
      const gateway = gateways[this.#random.between(0, gateways.length - 1)];
      if (gateway !== undefined) this.#harm(gateway);
      this.#keepFailing();
    });
  }

  #harm(gateway: WorldGateway): void {
    this.#faults += 1;
    const kind = this.#random.between(0, 6);
    if (kind === 0) gateway.crash(false);
    else if (kind === 1) gateway.crash(true);
    else if (kind === 2) gateway.disk.goodFlushes = this.#random.between(0, 5);
    else if (kind === 3) gateway.disk.room = this.#random.between(20_000, 120_000);
    else if (kind === 4) gateway.disk.room = Number.POSITIVE_INFINITY;
    else if (kind === 5) this.#cutLink();
    else gateway.expire();
    // A failing disk fails once, and is good again.
    if (kind !== 2) gateway.disk.goodFlushes = Number.POSITIVE_INFINITY;
  }

  #cutLink(): void {
    this.#linkUp = false;
    for (const gateway of this.#gateways.values()) gateway.disconnect();
    this.#agenda.after(this.#random.between(100, 8_000), () => {
      this.#linkUp = true;
      for (const gateway of this.#gateways.values()) gateway.connect();
    });
  }

  /** A message on its way: it may be lost, come twice, or come late. */
  #carry(deliver: () => void): void {
    this.#messages += 1;
    const happens = (rate: number): boolean => this.#troubled && this.#random.between(0, 999) < rate;
    if (!this.#linkUp || happens(this.#rates.lost)) return;
    const delay = (): number =>
      happens(this.#rates.late) ? this.#random.between(100, 9_000) : this.#random.between(1, 40);
    this.#agenda.after(delay(), deliver);
    if (happens(this.#rates.doubled)) this.#agenda.after(delay(), deliver);
  }

  #ingest({ gateway, epoch, items }: Sent): void {
    const parsed = items.map(({ json }) => JSON.parse(json));
    const [from, to] = [items[0]?.sequence, items.at(-1)?.sequence];
    // What nobody can take: the worker that tries dies of it.
    if (parsed.some((item) => this.#isPoison(item))) return;
    const batch = Batch.parse({ gateway, epoch, from, to, items: parsed });
    if (this.#troubled && this.#random.between(0, 19) === 0) return;
    const result = this.#store.ingestBatch(batch, INGESTED_AT);
    // The worker dies behind its commit.
    if (this.#troubled && this.#random.between(0, 19) === 0) return;
    const receipt: Receipt = { gateway, epoch, from: batch.from, to: batch.to, ...result };
    this.#carry(() => this.#gateways.get(gateway)?.receive(receipt));
  }

  #isPoison(item: { kind: string; value?: string }): boolean {
    return this.#rates.poison > 0 && item.kind === 'reading' && Number(item.value) % 97 === 5;
  }
}

interface Judged {
  name: string;
  fate: Fate;
  isMarked: boolean;
  /** Of each row with its meter, register and instant: whether it has its value. */
  areRight: boolean[];
}

function judge(report: WorldReport, { name, fate, isMarked, areRight }: Judged): void {
  if (fate === 'accepted') report.accepted += 1;
  if (areRight.length > 1) report.duplicated.push(name);
  if (areRight.includes(false)) report.altered.push(name);
  if (areRight.length > 0) report.stored += 1;
  else if (isMarked) report.marked += 1;
  else if (fate === 'accepted') report.lost.push(name);
}
