/**
 * A publish -> readings in the outbox. What is good of it is committed before it is acknowledged; what is no reading is
 * counted by its code and set aside, and acknowledged, so that the meter does not send it for ever.
 */
import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { mapPush } from '../../protocols/mqtt/json-mapping.ts';
import type { MqttProfile } from '../../protocols/profile.ts';
import type { MappedPush, PushedValue, PushFault } from '../../protocols/pushed-value.ts';
import type { NewReading } from '../buffer/outbox-items.ts';
import type { Clock } from '../clock.ts';
import type { PushMeterPlan } from './push-meter.ts';
import { openPushQuarantine, type PushQuarantine } from './push-quarantine.ts';
import { type PushStatus, PushTally } from './push-status.ts';
import { createSparkplugHost, type SparkplugHost } from './sparkplug-host.ts';

export interface PushIntakeOptions {
  meters: readonly PushMeterPlan[];
  /** Resolves after the commit; rejects when the readings were not accepted. */
  accept: (readings: NewReading[]) => Promise<void>;
  /** True when the reading is the last accepted one of its register, sent again. */
  repeats: (reading: NewReading) => boolean;
  clock: Clock;
  log: Logger;
  /** Where payloads that are no readings are kept; in memory alone when not given. */
  quarantineFile?: string;
}

/** What a publish says, with the meters' own ids. */
interface Intake {
  /** Names the source in `#meterIds`. */
  source: string;
  mapped: MappedPush;
  /** Not null when the payload is the last one of its topic, sent again if equal. */
  digest: string | null;
}

/** A meter's clock may run ahead of ours by this; a stamp further in the future is wrong. */
const MOST_AHEAD_MS = 10 * 60_000;
const EARLIEST_MS = Date.UTC(2000, 0, 1);
/** A gateway that believes to live before this software has no clock to judge others by. */
const OWN_CLOCK_SET_MS = Date.UTC(2026, 0, 1);
const MOST_TOPIC = 200;
const instantText = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();

export class PushIntake {
  readonly #options: PushIntakeOptions;
  readonly #topics = new Map<string, Map<string, MqttProfile>>();
  readonly #meterIds = new Map<string, string>();
  readonly #sparkplug: SparkplugHost;
  readonly #tally: PushTally;
  readonly #quarantine: PushQuarantine;
  readonly #lastDigest = new Map<string, string>();
  /** Registers that count, by meter and code: they are never below zero. */
  readonly #counters = new Set<string>();
  /** The last reading of a register whose stamp was wrong. */
  readonly #wrongStamps = new Map<string, { text: string; atMs: number }>();

  /** @param send publishes to Sparkplug nodes */
  constructor(options: PushIntakeOptions, send: (topic: string, payload: Uint8Array) => void) {
    this.#options = options;
    const { meters, clock, log, quarantineFile } = options;
    this.#tally = new PushTally(meters.map(({ meter }) => meter));
    this.#quarantine = openPushQuarantine(quarantineFile ?? null, (error) =>
      log.error({ error }, 'a refused push could not be set aside'),
    );
    for (const plan of meters) {
      const source = 'topic' in plan ? `topic ${plan.topic}` : `node ${plan.node}`;
      this.#meterIds.set(`${source} ${plan.device}`, plan.meter);
      for (const { obis, billing } of plan.profile.registers)
        if (billing) this.#counters.add(`${plan.meter} ${obis}`);
      if (!('topic' in plan)) continue;
      const devices = this.#topics.get(plan.topic) ?? new Map<string, MqttProfile>();
      devices.set(plan.device, plan.profile);
      this.#topics.set(plan.topic, devices);
    }
    const nodes = meters.flatMap((plan) => ('node' in plan ? [plan] : []));
    this.#sparkplug = createSparkplugHost(nodes, clock.nowMs, send);
  }

  /** Whether a client may subscribe: nodes to their own commands, nobody else to anything. */
  mayListen(filter: string): boolean {
    return this.#sparkplug.mayListen(filter);
  }

  /** Resolves when the publish may be acknowledged; rejects when it must not be. */
  async take(client: string | null, topic: string, payload: Uint8Array): Promise<void> {
    const { clock, accept, repeats } = this.#options;
    const nowMs = clock.nowMs();
    const intake = this.#read(topic, payload);
    if (intake === null) {
      const name = topic.slice(0, MOST_TOPIC);
      this.#tally.unknownTopic(name, client, nowMs);
      this.#refuse({ client, topic: name, payload, nowMs, meter: null }, 'unknown_topic', name);
      return;
    }
    const { source, mapped, digest } = intake;
    const meterOf = ({ device = '' }: { device?: string }): string | null =>
      this.#meterIds.get(`${source} ${device}`) ?? null;
    if (digest !== null && this.#lastDigest.get(topic) === digest) {
      for (const record of mapped.records) this.#tally.repeat(meterOf(record) ?? '', record.values.length);
      return;
    }
    for (const fault of mapped.refused)
      this.#refuse({ client, topic, payload, nowMs, meter: meterOf(fault) }, fault.code, fault.detail);
    const fresh: NewReading[] = [];
    const seen = new Set<string>();
    for (const record of mapped.records) {
      const meter = meterOf(record);
      if (meter === null) continue;
      for (const value of record.values) {
        const origin = { client, topic, payload, nowMs, meter };
        if (value.value?.startsWith('-') && this.#counters.has(`${meter} ${value.obis}`)) {
          this.#refuse(origin, 'out_of_range', `${value.obis}: ${value.value}`);
          continue;
        }
        const reading = this.#reading(origin, value);
        const key = JSON.stringify(reading);
        if (reading === null || seen.has(key) || repeats(reading)) this.#tally.repeat(meter, 1);
        else fresh.push(reading);
        seen.add(key);
      }
    }
    if (fresh.length > 0) await accept(fresh);
    for (const { meter } of fresh) this.#tally.accept(meter, 1, nowMs);
    if (digest !== null && mapped.records.length > 0) this.#lastDigest.set(topic, digest);
  }

  status(): PushStatus {
    return {
      ...this.#tally.status(),
      nodes: this.#sparkplug.status(),
      setAside: this.#quarantine.recent(),
    };
  }

  summary(): ReturnType<PushTally['summary']> {
    return this.#tally.summary();
  }

  #read(topic: string, payload: Uint8Array): Intake | null {
    const devices = this.#topics.get(topic);
    if (devices !== undefined) {
      const digest = createHash('sha256').update(payload).digest('base64');
      return { source: `topic ${topic}`, mapped: mapPush(devices, payload), digest };
    }
    const message = this.#sparkplug.take(topic, payload);
    return message === null ? null : { source: `node ${message.node}`, mapped: message, digest: null };
  }

  /**
   * A stamp that cannot be true gives no value that can be billed, and the meter will not send it again: it goes on as a
   * reading without a value, at the instant of its arrival, with what the meter sent. Null when it is the same one again.
   */
  #reading(
    origin: Origin & { meter: string },
    { obis, value, unit, code, readAtMs }: PushedValue,
  ): NewReading | null {
    const { meter, nowMs } = origin;
    const reading: NewReading = {
      meter,
      register: obis,
      readAt: instantText(readAtMs),
      value,
      unit,
      ...(code === undefined ? {} : { code }),
      source: 'push',
    };
    if (nowMs < OWN_CLOCK_SET_MS || (readAtMs >= EARLIEST_MS && readAtMs <= nowMs + MOST_AHEAD_MS))
      return reading;
    const text = `${reading.readAt} ${value ?? code}`;
    const last = this.#wrongStamps.get(`${meter} ${obis}`);
    if (last?.text === text) return null;
    // One place in time holds one reading of a register.
    const atMs = Math.max(nowMs, (last?.atMs ?? 0) + 1);
    this.#wrongStamps.set(`${meter} ${obis}`, { text, atMs });
    this.#refuse(origin, 'clock_wrong', text);
    const raw = Buffer.from(text).toString('hex');
    return { ...reading, readAt: instantText(atMs), value: null, code: 'clock_wrong', raw };
  }

  #refuse(origin: Origin, code: PushFault['code'] | 'unknown_topic' | 'clock_wrong', detail: string): void {
    const { client, topic, payload, nowMs, meter } = origin;
    this.#tally.refuse(meter, code, detail, nowMs);
    const entry = { topic, client, meter, code, detail };
    if (this.#quarantine.add(entry, payload, nowMs)) this.#options.log.warn(entry, 'push refused');
  }
}

/** Where a refusal comes from. */
interface Origin {
  client: string | null;
  topic: string;
  payload: Uint8Array;
  nowMs: number;
  meter: string | null;
}
