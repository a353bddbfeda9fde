/**
 * The last status that each gateway sent, for the health page; the retained MQTT message is the source. And every version
 * of the settings that were sent to a gateway.
 */

import type { DatabaseSync } from 'node:sqlite';
import type { GatewayConfig, GatewaySettings, GatewayStatus } from '../../../protocols/uplink.ts';
import type { GatewaysOperations, SentConfig, StoredGatewayStatus } from '../port/gateways.ts';
import { transaction } from './transaction.ts';

export const schema = `
CREATE TABLE IF NOT EXISTS gateway_status (
  gateway TEXT PRIMARY KEY,
  status TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gateway_config (
  gateway TEXT NOT NULL,
  version INTEGER NOT NULL,
  settings TEXT NOT NULL,
  at TEXT NOT NULL,
  by TEXT NOT NULL,
  PRIMARY KEY (gateway, version)
) STRICT, WITHOUT ROWID;
`;

export const withPinned = (status: GatewayStatus, pinnedKeyId: string | undefined): StoredGatewayStatus =>
  pinnedKeyId === undefined ? status : { ...status, pinnedKeyId };

export function operations(db: DatabaseSync): GatewaysOperations {
  const put = db.prepare(
    'INSERT INTO gateway_status (gateway, status) VALUES (?, ?) ON CONFLICT DO UPDATE SET status = excluded.status',
  );
  const all = db.prepare('SELECT status FROM gateway_status ORDER BY gateway');
  const one = db.prepare('SELECT status FROM gateway_status WHERE gateway = ?');
  const statusOf = (gateway: string): StoredGatewayStatus | null => {
    const row = one.get(gateway);
    return row === undefined ? null : (JSON.parse(row.status as string) as StoredGatewayStatus);
  };
  const addConfig = db.prepare(
    `INSERT INTO gateway_config (gateway, version, settings, at, by)
     SELECT ?, coalesce(max(version), 0) + 1, ?, ?, ? FROM gateway_config WHERE gateway = ? RETURNING version`,
  );
  const configs = db.prepare(
    'SELECT gateway, version, settings, at, by FROM gateway_config WHERE gateway = ? ORDER BY version DESC LIMIT ?',
  );
  const newest = db.prepare(
    'SELECT gateway, max(version) AS version, settings FROM gateway_config GROUP BY gateway ORDER BY gateway',
  );
  return {
    addGatewayConfig(sent: {
      gateway: string;
      settings: GatewaySettings;
      at: string;
      by: string;
    }): GatewayConfig {
      const { gateway, settings, at, by } = sent;
      const row = addConfig.get(gateway, JSON.stringify(settings), at, by, gateway);
      return { gateway, version: row?.version as number, settings };
    },
    gatewayConfigs({ gateway, limit }: { gateway: string; limit: number }): SentConfig[] {
      return configs
        .all(gateway, limit)
        .map((row) => ({ ...row, settings: JSON.parse(row.settings as string) }) as SentConfig);
    },
    newestGatewayConfigs(): GatewayConfig[] {
      return newest
        .all()
        .map((row) => ({ ...row, settings: JSON.parse(row.settings as string) }) as GatewayConfig);
    },
    putGatewayStatus(status: GatewayStatus): void {
      transaction(db, () => {
        const pinned = statusOf(status.gateway)?.pinnedKeyId ?? status.keyId;
        put.run(status.gateway, JSON.stringify(withPinned(status, pinned)));
      });
    },
    pinGatewayKey(gateway: string): boolean {
      return transaction(db, () => {
        const status = statusOf(gateway);
        if (status?.keyId === undefined) return false;
        put.run(gateway, JSON.stringify(withPinned(status, status.keyId)));
        return true;
      });
    },
    gatewayStatuses(): StoredGatewayStatus[] {
      return all.all().map((row) => JSON.parse(row.status as string) as StoredGatewayStatus);
    },
  };
}
