/** What a running gateway shows and lends to its own HTTP server. */
import type { GatewayStatus } from '../protocols/uplink.ts';
import type { BusMeter, EdgeConfig, Link } from './config.ts';
import type { Line } from './line.ts';
import type { Outbox } from './outbox.ts';
import type { PushBroker } from './push-broker.ts';

/** A bus that is polled, lent for live work: its line is the only way to its meters. */
export interface LiveBus {
  id: string;
  link: Link;
  line: Line;
  meters: BusMeter[];
}

export interface GatewayView {
  /** As it is at work with: the file's, or the cloud's. */
  config(): EdgeConfig;
  status(): GatewayStatus;
  buffer(): ReturnType<Outbox['stats']>;
  /** Null: there is no such bus. */
  bus(id: string): LiveBus | null;
  /** The last reading of a register that was accepted. */
  lastAccepted(meter: string, register: string): { atMs: number; value: string | null } | null;
  /** Null: no meter pushes. */
  push(): ReturnType<PushBroker['status']> | null;
}
