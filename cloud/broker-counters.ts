/** What the embedded broker counts, since its start. */

export interface BrokerCounters {
  refusedConnections: number;
  /** Publishes to a topic that is not the sender's. */
  foreignPublishes: number;
  refusedSubscriptions: number;
  /** Gateways that went on publishing or subscribing where they must not. */
  disconnectedIntruders: number;
  lengthViolations: number;
  /** Gateways that sent a multiple of what they may. */
  overAllowance: number;
  /** Connections that said nothing, or not enough, in time. */
  halfOpen: number;
  failedHandshakes: number;
  /** Sessions that ended because their certificate was revoked, ran out or lost its authority. */
  endedByCertificate: number;
}

export const noCounts = (): BrokerCounters => ({
  refusedConnections: 0,
  foreignPublishes: 0,
  refusedSubscriptions: 0,
  disconnectedIntruders: 0,
  lengthViolations: 0,
  overAllowance: 0,
  halfOpen: 0,
  failedHandshakes: 0,
  endedByCertificate: 0,
});
