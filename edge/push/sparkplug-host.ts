/**
 * The gateway as the host of Sparkplug B nodes: it follows their sessions, and asks a node for its births when its data
 * cannot be told. That is a command to the node; nothing is ever written to a meter.
 */
import type { SparkplugProfile } from '../../protocols/profile.ts';
import type { MappedPush, PushFault } from '../../protocols/pushed-value.ts';
import { mapMetrics } from '../../protocols/sparkplug/map-metrics.ts';
import { decodePayload } from '../../protocols/sparkplug/payload.ts';
import { rebirthCommand } from '../../protocols/sparkplug/rebirth.ts';
import { type NodeSession, stepSession } from '../../protocols/sparkplug/session.ts';
import {
  commandTopic,
  listeningNode,
  parseTopic,
  type SparkplugTopic,
} from '../../protocols/sparkplug/topics.ts';

export interface SparkplugMeter {
  /** `group/edge node`. */
  node: string;
  /** '' for the node's own metrics. */
  device: string;
  profile: SparkplugProfile;
}

export interface SparkplugNodeStatus {
  node: string;
  online: boolean;
  /** Devices whose births are known. */
  devices: number;
  /** How often the node was asked for its births. */
  rebirths: number;
}

export interface SparkplugHost {
  /** What a message says of the meters; null when the topic is of no node that is configured. Never waits. */
  take(topic: string, payload: Uint8Array): (MappedPush & { node: string }) | null;
  /** Whether a subscription is a configured node's, for its own commands. */
  mayListen(filter: string): boolean;
  status(): SparkplugNodeStatus[];
}

/** A node that has just been asked is still busy with its births. */
const REBIRTH_PAUSE_MS = 10_000;

interface Node {
  session: NodeSession | null;
  meters: Map<string, SparkplugProfile>;
  askedAtMs: number | null;
  rebirths: number;
}

/** @param send publishes to the nodes */
export function createSparkplugHost(
  meters: readonly SparkplugMeter[],
  nowMs: () => number,
  send: (topic: string, payload: Uint8Array) => void,
): SparkplugHost {
  const nodes = new Map<string, Node>();
  for (const { node, device, profile } of meters) {
    const known = nodes.get(node) ?? { session: null, meters: new Map(), askedAtMs: null, rebirths: 0 };
    known.meters.set(device, profile);
    nodes.set(node, known);
  }

  function askForBirths(name: string, node: Node): void {
    const now = nowMs();
    if (node.askedAtMs !== null && Math.abs(now - node.askedAtMs) < REBIRTH_PAUSE_MS) return;
    node.askedAtMs = now;
    node.rebirths += 1;
    send(commandTopic(name), rebirthCommand(now));
  }

  return {
    take(text, bytes) {
      const topic = parseTopic(text);
      const node = topic === null ? undefined : nodes.get(topic.node);
      if (topic === null || node === undefined) return null;
      const payload = decodePayload(bytes);
      if (payload === null) {
        const detail = `${topic.type}: ${bytes.length} bytes`;
        return { node: topic.node, records: [], refused: [faultOf(topic, 'not_sparkplug', detail)] };
      }
      const step = stepSession(node.session, topic, payload);
      node.session = step.session;
      if (step.rebirth) askForBirths(topic.node, node);
      const isBirth = topic.type === 'NBIRTH' || topic.type === 'DBIRTH';
      const profile = node.meters.get(topic.device);
      if (profile === undefined) {
        const refused = [...step.refused];
        if (topic.type === 'DBIRTH') refused.push(faultOf(topic, 'unknown_meter', topic.device));
        return { node: topic.node, records: [], refused };
      }
      const { device } = topic;
      const { values, refused } = mapMetrics(profile, step.metrics, { sentAt: payload.timestamp, isBirth });
      return {
        node: topic.node,
        records: values.length === 0 ? [] : [{ device, values }],
        refused: [...step.refused, ...refused.map((fault) => ({ ...fault, device }))],
      };
    },
    mayListen: (filter) => nodes.has(listeningNode(filter) ?? ''),
    status: () =>
      [...nodes].map(([name, { session, rebirths }]) => ({
        node: name,
        online: session !== null,
        devices: [...(session?.births.keys() ?? [])].filter((device) => device !== '').length,
        rebirths,
      })),
  };
}

const faultOf = ({ device }: SparkplugTopic, code: PushFault['code'], detail: string): PushFault => ({
  code,
  detail,
  device,
});
