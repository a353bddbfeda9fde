/** MQTT topics, version 1. A gateway may only publish below its own name. */
const ROOT = 'meterline/1';

export const readingsTopic = (gateway: string): string => `${ROOT}/${gateway}/readings`;
export const receiptsTopic = (gateway: string): string => `${ROOT}/${gateway}/receipts`;
export const statusTopic = (gateway: string): string => `${ROOT}/${gateway}/status`;
export const configTopic = (gateway: string): string => `${ROOT}/${gateway}/config`;
export const ALL_READINGS = `${ROOT}/+/readings`;
export const ALL_STATUS = `${ROOT}/+/status`;
/** Where the broker puts a publish that its sender had no right to (GUARANTEES: a denied QoS 1 publish loops the client). */
export const quarantineTopic = (client: string): string => `${ROOT}/quarantine/${client}`;

export const ALL_QUARANTINE = `${ROOT}/quarantine/+`;

/** The gateway named in a topic of ours, or null. */
export function gatewayOf(topic: string): string | null {
  const match = /^meterline\/1\/([^/+#]+)\/(readings|receipts|status|config)$/.exec(topic);
  return match?.[1] ?? null;
}
