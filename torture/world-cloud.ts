/** The cloud of a simulated world: several ingest workers on one store, which die before or behind their commits. */
import { createHash } from 'node:crypto';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import { decodeBatch } from '../cloud/decode-batch.ts';
import * as changes from '../cloud/store/sqlite/changes.ts';
import * as evidence from '../cloud/store/sqlite/evidence.ts';
import * as exported from '../cloud/store/sqlite/exports.ts';
import * as ingest from '../cloud/store/sqlite/ingest.ts';
import * as quarantine from '../cloud/store/sqlite/quarantine.ts';
import * as readings from '../cloud/store/sqlite/readings.ts';
import type { OutboxItem } from '../edge/buffer/outbox-items.ts';
import { encodeBatch } from '../edge/delivery/encode-batch.ts';
import { Batch, type Receipt } from '../protocols/uplink.ts';
import type { StoredRow } from '../simulators/compare-readings.ts';
import { type Random, randomStream } from '../simulators/random.ts';
import type { Agenda } from './agenda.ts';
import type { WorldPlan } from './world-plan.ts';

export interface Sent {
  gateway: string;
  epoch: string;
  items: readonly OutboxItem[];
}

const INGESTED_AT = '2100-01-01T00:00:00Z';
const LONGEST_WORK_MS = 60;

export class WorldCloud {
  isTroubled = true;
  readonly #agenda: Agenda;
  readonly #random: Random;
  readonly #hasPoison: boolean;
  readonly #db = new DatabaseSync(':memory:');
  readonly #store: ReturnType<typeof ingest.operations>;
  /** When each worker has done what it was given. */
  readonly #freeAtMs: number[];

  constructor(agenda: Agenda, { seed, luck, workers, hasPoison }: WorldPlan) {
    this.#agenda = agenda;
    this.#random = randomStream(seed, `cloud${luck}`);
    this.#hasPoison = hasPoison;
    this.#freeAtMs = Array.from({ length: workers }, () => 0);
    for (const subject of [readings, quarantine, changes, exported, evidence, ingest])
      this.#db.exec(subject.schema);
    this.#store = ingest.operations(this.#db);
  }

  /** One of the workers takes it when it has the time, so that batches overtake each other. */
  take(sent: Sent, reply: (receipt: Receipt) => void): void {
    const worker = this.#random.between(0, this.#freeAtMs.length - 1);
    const doneAtMs =
      Math.max(this.#agenda.nowMs, this.#freeAtMs[worker] ?? 0) + this.#random.between(1, LONGEST_WORK_MS);
    this.#freeAtMs[worker] = doneAtMs;
    this.#agenda.after(doneAtMs - this.#agenda.nowMs, () => this.#ingest(sent, reply));
  }

  /** @throws Error when a message with a wrong bit is taken for a batch that says something else */
  takeDamaged({ gateway, epoch, items }: Sent, random: Random): void {
    const payload = encodeBatch({ gateway, epoch }, items);
    const damaged = Buffer.from(payload);
    const bit = random.between(0, payload.length * 8 - 1);
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const decoded = decodeBatch(damaged, gateway);
    if (decoded.ok && !isDeepStrictEqual(decoded, decodeBatch(payload, gateway)))
      throw new Error(`bit ${bit} of a batch changed what it says`);
  }

  rows(sql: string): Record<string, SQLOutputValue>[] {
    const statement = this.#db.prepare(sql);
    statement.setReadBigInts(true);
    return statement.all();
  }

  /** Readings and evidence, by what they say they are. */
  stored(): StoredRow[] {
    const keyOf = ({ gateway, epoch, sequence }: Record<string, SQLOutputValue>): string =>
      `${gateway} ${epoch} ${sequence}`;
    const stored = this.rows(
      'SELECT gateway, epoch, sequence, meter, register, instant, value, unit, code FROM reading',
    ).map((row) => ({
      at: `${row.meter} ${row.register} ${row.instant}`,
      key: keyOf(row),
      shows: `${row.value} ${row.unit} ${row.code}`,
    }));
    const signed = this.rows('SELECT gateway, epoch, sequence, meter, instant, digest FROM evidence').map(
      (row) => ({ at: `${row.meter} evidence ${row.instant}`, key: keyOf(row), shows: `${row.digest}` }),
    );
    return [...stored, ...signed];
  }

  /** What the workers refused to store, in words. */
  refused(): string[] {
    return this.rows('SELECT code, detail FROM quarantine').map(({ code, detail }) => `${code}: ${detail}`);
  }

  /** Of all that is stored, by key; epochs, which are minted by chance, left out. */
  stateHash({ withInstants }: { withInstants: boolean }): string {
    const columns = `gateway, sequence, meter, register, value, unit, code${withInstants ? ', instant' : ''}`;
    const rows = this.rows(`SELECT ${columns} FROM reading ORDER BY gateway, sequence`);
    const signed = this.rows('SELECT gateway, sequence, meter FROM evidence ORDER BY gateway, sequence');
    const text = [...rows, ...signed].map((row) => Object.values(row).join(' ')).join('\n');
    return createHash('sha256').update(text).digest('hex').slice(0, 16);
  }

  close(): void {
    this.#db.close();
  }

  #ingest({ gateway, epoch, items }: Sent, reply: (receipt: Receipt) => void): void {
    const parsed = items.map(({ json }) => JSON.parse(json));
    // What nobody can take: the worker that tries dies of it.
    if (this.#hasPoison && parsed.some(isPoison)) return;
    const [from, to] = [items[0]?.sequence, items.at(-1)?.sequence];
    const batch = Batch.parse({ gateway, epoch, from, to, items: parsed });
    if (this.#diesNow()) return;
    const result = this.#store.ingestBatch(batch, INGESTED_AT);
    // It dies behind its commit.
    if (this.#diesNow()) return;
    reply({ gateway, epoch, from: batch.from, to: batch.to, ...result });
  }

  #diesNow(): boolean {
    return this.isTroubled && this.#random.between(0, 19) === 0;
  }
}

const isPoison = (item: { kind: string; value?: string }): boolean =>
  item.kind === 'reading' && Number(item.value) % 97 === 5;
