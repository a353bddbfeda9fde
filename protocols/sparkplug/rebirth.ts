/** The one command that a gateway sends to a node: to publish its births again (Eclipse Sparkplug 3.0.0, 6.4.23). */
import { DataType, encodePayload } from './payload.ts';

export const REBIRTH = 'Node Control/Rebirth';

export function rebirthCommand(nowMs: number): Uint8Array {
  const timestamp = BigInt(Math.trunc(nowMs));
  return encodePayload({
    timestamp,
    metrics: [
      { name: REBIRTH, timestamp, datatype: DataType.Boolean, value: { kind: 'boolean', value: true } },
    ],
  });
}
