/**
 * Meters as devices of one Sparkplug B edge node: births with aliases, data by alias, a death as the will, births again on
 * command. What it could not send while the broker was away it sends as historical afterwards.
 */
import { connect, type MqttClient } from 'mqtt';
import type { SparkplugProfile } from '../../protocols/profile.ts';
import { DataType, decodePayload, encodePayload, type Metric } from '../../protocols/sparkplug/payload.ts';
import { REBIRTH } from '../../protocols/sparkplug/rebirth.ts';
import { commandTopic, type MessageType, messageTopic } from '../../protocols/sparkplug/topics.ts';
import { formatMicro } from '../../protocols/units.ts';
import type { Truth } from '../park/truth.ts';
import { simulatedValue } from './meter-image.ts';

export interface SparkplugNodeOptions {
  /** `group/edge node`. */
  node: string;
  /** Of all its devices. */
  profile: SparkplugProfile;
  /** The meters, each a device of its own id. */
  meters: readonly string[];
  /** What the births show before anything is published. */
  startMs: number;
}

export interface SparkplugNode {
  /** Sends what every meter shows at `atMs`, now or when the broker is back. */
  publish(atMs: number): void;
  /** Connected, with its births sent. What is sent while the connection breaks is lost: that is QoS 0. */
  online(): boolean;
  close(): Promise<void>;
}

const RECONNECT_MS = 100;
const MOST_MISSED = 1000;
const SEQUENCES = 256;

export function connectSparkplugNode(
  url: string,
  options: SparkplugNodeOptions,
  truth: Truth,
): SparkplugNode {
  const { node, profile, meters } = options;
  let session = 0;
  let sequence = 0;
  let lastMs = options.startMs;
  let born = false;
  let missed: number[] = [];

  const birthDeath = (): Metric => ({
    name: 'bdSeq',
    datatype: DataType.Int64,
    value: { kind: 'integer', raw: BigInt(session) },
  });
  const will = () => ({
    topic: messageTopic({ type: 'NDEATH', node, device: '' }),
    payload: Buffer.from(encodePayload({ timestamp: BigInt(lastMs), metrics: [birthDeath()] })),
    qos: 1 as const,
    retain: false,
  });
  // The standard asks for QoS 0 of births and data.
  const client: MqttClient = connect(url, { reconnectPeriod: RECONNECT_MS, keepalive: 30, will: will() });
  client.on('error', () => undefined);

  const say = (type: MessageType, device: string, atMs: number, metrics: Metric[]): void => {
    const payload = encodePayload({ timestamp: BigInt(atMs), metrics, sequence });
    sequence = (sequence + 1) % SEQUENCES;
    client.publish(messageTopic({ type, node, device }), Buffer.from(payload));
  };
  const metrics = (device: number, atMs: number): (Metric & { name: string })[] =>
    profile.registers.map((register, index) => {
      const value = simulatedValue(register, truth, truth.of(meters[device] ?? ''), atMs);
      return {
        name: register.metric,
        alias: BigInt(device * profile.registers.length + index),
        timestamp: BigInt(atMs),
        datatype: DataType.Double,
        ...(value === null ? { isNull: true } : { value: { kind: 'double', bytes: doubleBytes(value) } }),
      };
    });
  const data = (atMs: number, isHistorical: boolean): void => {
    for (const [device, meter] of meters.entries()) {
      const changed = metrics(device, atMs).map(({ name: _, datatype: __, ...metric }) => ({
        ...metric,
        isHistorical,
      }));
      say('DDATA', meter, atMs, changed);
    }
  };
  const birth = (): void => {
    sequence = 0;
    const rebirth: Metric = {
      name: REBIRTH,
      datatype: DataType.Boolean,
      value: { kind: 'boolean', value: false },
    };
    say('NBIRTH', '', lastMs, [birthDeath(), rebirth]);
    for (const [device, meter] of meters.entries()) say('DBIRTH', meter, lastMs, metrics(device, lastMs));
    born = true;
    for (const atMs of missed) data(atMs, true);
    missed = [];
  };

  const online = (): boolean => born && client.connected;
  client.on('connect', () => {
    client.subscribe(commandTopic(node), { qos: 1 }, (error) => {
      if (!error) birth();
    });
  });
  client.on('close', () => {
    if (!born) return;
    born = false;
    session += 1;
    client.options.will = will();
  });
  client.on('message', (_, payload) => {
    const asked = decodePayload(payload)?.metrics.find(({ name }) => name === REBIRTH);
    if (asked?.value?.kind === 'boolean' && asked.value.value) birth();
  });
  return {
    publish(atMs) {
      lastMs = atMs;
      if (online()) data(atMs, false);
      else missed = [...missed, atMs].slice(-MOST_MISSED);
    },
    online,
    close: () => client.endAsync(),
  };
}

/** A double, high byte first, whose shortest decimal is the value. @param micro millionths */
function doubleBytes(micro: bigint): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Number(formatMicro(micro)));
  return new Uint8Array(view.buffer);
}
