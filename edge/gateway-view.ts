/** What a running gateway shows and lends to its own HTTP server. */
import type { UplinkFault } from '../protocols/edge-api.ts';
import type { GatewayStatus } from '../protocols/uplink.ts';
import type { NewEvidence, RecordedEvidence } from './commissioning/evidence.ts';
import type { EdgeConfig } from './config.ts';
import type { Outbox } from './outbox.ts';
import type { PolledBus } from './poll.ts';
import type { PushBroker } from './push/push-broker.ts';

export interface GatewayView {
  /** As it is at work with: the file's, or the cloud's. */
  config(): EdgeConfig;
  status(): GatewayStatus;
  /** Why there is no way to the cloud; null: there is one, or none was tried yet. */
  uplinkFault(): UplinkFault | null;
  buffer(): ReturnType<Outbox['stats']>;
  /** Null: there is no such bus. */
  bus(id: string): PolledBus | null;
  /** The last reading of a register that was accepted. */
  lastAccepted(meter: string, register: string): { atMs: number; value: string | null } | null;
  /** What a person vouches for at a meter, signed and committed. @throws OutboxError */
  recordEvidence(given: NewEvidence): RecordedEvidence;
  /** Null: no meter pushes. */
  push(): ReturnType<PushBroker['status']> | null;
}
