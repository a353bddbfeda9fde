/** The last status that each gateway sent, for the health page; the retained MQTT message is the source. */
import type { DatabaseSync } from 'node:sqlite';
import type { GatewayStatus } from '../../../protocols/uplink.ts';

export const schema = `
CREATE TABLE IF NOT EXISTS gateway_status (
  gateway TEXT PRIMARY KEY,
  status TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`;

export function operations(db: DatabaseSync) {
  const put = db.prepare(
    'INSERT INTO gateway_status (gateway, status) VALUES (?, ?) ON CONFLICT DO UPDATE SET status = excluded.status',
  );
  const all = db.prepare('SELECT status FROM gateway_status ORDER BY gateway');
  return {
    /** Keeps the newest status to arrive: a gateway's own clock is not trusted to order them. */
    putGatewayStatus(status: GatewayStatus): void {
      put.run(status.gateway, JSON.stringify(status));
    },
    gatewayStatuses(): GatewayStatus[] {
      return all.all().map((row) => JSON.parse(row.status as string) as GatewayStatus);
    },
  };
}
