/** Counts what becomes of pushes, by meter and by topic: what an engineer asks first of a meter that is silent. */
import type { GatewayStatus } from '../../protocols/uplink.ts';
import type { SetAside } from './push-quarantine.ts';
import type { SparkplugNodeStatus } from './sparkplug-host.ts';

export interface PushMeterStatus {
  meter: string;
  firstAcceptedMs: number | null;
  lastAcceptedMs: number | null;
  /** The longest time between two accepted pushes. */
  longestSilenceMs: number;
  accepted: number;
  /** Sent again: not taken twice. */
  repeated: number;
  /** By code. */
  refused: Record<string, number>;
  lastRefusal: { atMs: number; code: string; detail: string } | null;
}

export interface PushStatus {
  accepted: number;
  repeated: number;
  refused: Record<string, number>;
  meters: PushMeterStatus[];
  /** Topics of no meter, the one heard last at the end. */
  unknownTopics: { topic: string; count: number; lastMs: number; client: string | null }[];
  nodes: SparkplugNodeStatus[];
  /** The last payloads that were set aside. */
  setAside: readonly SetAside[];
}

const MOST_TOPICS = 50;
const TOLD_TOPICS = 10;
const TOLD_METERS = 50;

export class PushTally {
  readonly #meters: Map<string, PushMeterStatus>;
  readonly #unknown = new Map<string, PushStatus['unknownTopics'][number]>();
  readonly #total = { accepted: 0, repeated: 0, refused: {} as Record<string, number> };

  constructor(meters: readonly string[]) {
    this.#meters = new Map(
      meters.map((meter) => [
        meter,
        {
          meter,
          firstAcceptedMs: null,
          lastAcceptedMs: null,
          longestSilenceMs: 0,
          accepted: 0,
          repeated: 0,
          refused: {},
          lastRefusal: null,
        },
      ]),
    );
  }

  accept(meter: string, readings: number, atMs: number): void {
    this.#total.accepted += readings;
    const status = this.#meters.get(meter);
    if (status === undefined) return;
    status.accepted += readings;
    status.firstAcceptedMs ??= atMs;
    status.longestSilenceMs = Math.max(status.longestSilenceMs, atMs - (status.lastAcceptedMs ?? atMs));
    status.lastAcceptedMs = atMs;
  }

  repeat(meter: string, readings: number): void {
    this.#total.repeated += readings;
    const status = this.#meters.get(meter);
    if (status !== undefined) status.repeated += readings;
  }

  refuse(meter: string | null, code: string, detail: string, atMs: number): void {
    increment(this.#total.refused, code);
    const status = meter === null ? undefined : this.#meters.get(meter);
    if (status === undefined) return;
    increment(status.refused, code);
    status.lastRefusal = { atMs, code, detail };
  }

  unknownTopic(topic: string, client: string | null, atMs: number): void {
    const count = (this.#unknown.get(topic)?.count ?? 0) + 1;
    this.#unknown.delete(topic);
    this.#unknown.set(topic, { topic, count, lastMs: atMs, client });
    const [oldest] = this.#unknown.keys();
    if (this.#unknown.size > MOST_TOPICS && oldest !== undefined) this.#unknown.delete(oldest);
  }

  status(): Omit<PushStatus, 'nodes' | 'setAside'> {
    return { ...this.#total, meters: [...this.#meters.values()], unknownTopics: [...this.#unknown.values()] };
  }

  /** What the cloud is told: enough to see that somebody has to look. */
  summary(): NonNullable<GatewayStatus['push']> {
    const refusing = [...this.#meters.values()].filter(
      ({ lastRefusal, lastAcceptedMs }) => lastRefusal !== null && lastRefusal.atMs >= (lastAcceptedMs ?? 0),
    );
    return {
      ...this.#total,
      refusing: refusing.slice(0, TOLD_METERS).map(({ meter, lastRefusal }) => ({
        meter,
        code: lastRefusal?.code ?? '',
        detail: lastRefusal?.detail.slice(0, 200) ?? '',
      })),
      unknownTopics: [...this.#unknown.keys()].slice(-TOLD_TOPICS),
    };
  }
}

function increment(counts: Record<string, number>, code: string): void {
  counts[code] = (counts[code] ?? 0) + 1;
}
