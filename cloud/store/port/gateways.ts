/** What gateways say of themselves, and the settings that were sent to them. */
import type { GatewayConfig, GatewaySettings, GatewayStatus } from '../../../protocols/uplink.ts';

/** With the key that it showed first: another one is no longer taken for its own until somebody says so. */
export type StoredGatewayStatus = GatewayStatus & { pinnedKeyId?: string };

/** Settings as they were sent: who sent them, and when. */
export type SentConfig = GatewayConfig & { at: string; by: string };

export interface GatewaysOperations {
  /** Keeps the settings as the gateway's next version. */
  addGatewayConfig(sent: {
    gateway: string;
    settings: GatewaySettings;
    at: string;
    by: string;
  }): GatewayConfig;
  /** Newest first. */
  gatewayConfigs(asked: { gateway: string; limit: number }): SentConfig[];
  /** The newest of each gateway. */
  newestGatewayConfigs(): GatewayConfig[];
  /** Keeps the newest status to arrive: a gateway's own clock is not trusted to order them. */
  putGatewayStatus(status: GatewayStatus): void;
  /** The key that the gateway shows now is its own. @returns false when it has shown none */
  pinGatewayKey(gateway: string): boolean;
  gatewayStatuses(): StoredGatewayStatus[];
}
