/** The last status that each gateway sent, and every version of the settings that were sent to a gateway. */
import type { GatewayConfig, GatewaySettings, GatewayStatus } from '../../../protocols/uplink.ts';
import type { GatewaysOperations, SentConfig, StoredGatewayStatus } from '../port/gateways.ts';
import { withPinned } from '../sqlite/gateways.ts';
import type { Asynchronous } from '../store.ts';
import type { Database } from './open-database.ts';
import type { Row } from './session.ts';

const PUT =
  'INSERT INTO gateway_status (gateway, status) VALUES ($1, $2) ON CONFLICT (gateway) DO UPDATE SET status = excluded.status';
const ONE = 'SELECT status FROM gateway_status WHERE gateway = $1 FOR UPDATE';
const ALL = 'SELECT status FROM gateway_status ORDER BY gateway';
const ONE_AT_A_TIME =
  "SELECT pg_advisory_xact_lock(hashtextextended('meterline: settings of ' || $1::text, 0))";
const ADD = `INSERT INTO gateway_config (gateway, version, settings, at, by)
  SELECT $1::text, coalesce(max(version), 0) + 1, $2::text, $3::text, $4::text FROM gateway_config WHERE gateway = $1 RETURNING version`;
const SENT =
  'SELECT gateway, version, settings, at, by FROM gateway_config WHERE gateway = $1 ORDER BY version DESC LIMIT $2';
const NEWEST = `SELECT DISTINCT ON (gateway) gateway, version, settings FROM gateway_config ORDER BY gateway, version DESC`;

const withSettings = <T>(row: Row): T =>
  ({ ...row, settings: JSON.parse(row.settings as string) }) as unknown as T;

const statusOf = ({ status }: Row): StoredGatewayStatus => JSON.parse(status as string);

export function operations(db: Database): Asynchronous<GatewaysOperations> {
  return {
    addGatewayConfig(sent: {
      gateway: string;
      settings: GatewaySettings;
      at: string;
      by: string;
    }): Promise<GatewayConfig> {
      const { gateway, settings, at, by } = sent;
      return db.transaction(async (tx) => {
        await tx.rows(ONE_AT_A_TIME, [gateway]);
        const [row] = await tx.rows(ADD, [gateway, JSON.stringify(settings), at, by]);
        return { gateway, version: row?.version as number, settings };
      });
    },
    gatewayConfigs: async ({ gateway, limit }: { gateway: string; limit: number }): Promise<SentConfig[]> =>
      (await db.rows(SENT, [gateway, limit])).map(withSettings<SentConfig>),
    newestGatewayConfigs: async (): Promise<GatewayConfig[]> =>
      (await db.rows(NEWEST)).map(withSettings<GatewayConfig>),
    async putGatewayStatus(status: GatewayStatus): Promise<void> {
      await db.transaction(async (tx) => {
        const [row] = await tx.rows(ONE, [status.gateway]);
        const pinned = row === undefined ? undefined : statusOf(row).pinnedKeyId;
        await tx.run(PUT, [status.gateway, JSON.stringify(withPinned(status, pinned ?? status.keyId))]);
      });
    },
    pinGatewayKey: (gateway: string): Promise<boolean> =>
      db.transaction(async (tx) => {
        const [row] = await tx.rows(ONE, [gateway]);
        const status = row === undefined ? null : statusOf(row);
        if (status?.keyId === undefined) return false;
        await tx.run(PUT, [gateway, JSON.stringify(withPinned(status, status.keyId))]);
        return true;
      }),
    gatewayStatuses: async (): Promise<StoredGatewayStatus[]> => (await db.rows(ALL)).map(statusOf),
  };
}
