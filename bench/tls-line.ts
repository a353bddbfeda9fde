/** A gateway's outbox and uplink in this process, and the cloud in another, with mutual TLS between them. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import pino from 'pino';
import { startAuthority } from '../cloud/test-authority.ts';
import { systemClock } from '../edge/clock.ts';
import type { UplinkTls } from '../edge/delivery/uplink-tls.ts';
import { type Outbox, openOutbox } from '../edge/outbox.ts';
import { startUplink, type Uplink, type UplinkTiming } from '../edge/uplink.ts';
import { writeKeyFile, writePublicFile } from '../process/key-file.ts';
import { benchReadings, withoutKey } from './bench-readings.ts';

export const GATEWAY = 'gw-bench';
const COMMIT_READINGS = 1_000;

export interface TlsLine {
  outbox: Outbox;
  /** What the gateway connects with, and where. */
  tls: UplinkTls;
  broker: string;
  database: string;
  /** Fills the outbox up to so many readings in all, from the first of the bench's. */
  fill(readings: number): void;
  connect(timing?: Partial<UplinkTiming>): Uplink;
  /** Leaves the outbox to another process. */
  release(): void;
  close(): Promise<void>;
}

/** @param folder of the files of both */
export async function startTlsLine(folder: string): Promise<TlsLine> {
  const authority = await startAuthority();
  const pair = await authority.gateway(GATEWAY);
  const tls = { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  writePublicFile(tls.ca, pair.ca);
  writePublicFile(tls.cert, pair.cert);
  writeKeyFile(tls.key, pair.key);
  const database = join(folder, 'cloud.db');
  const child = join(import.meta.dirname, 'ingest-child.ts');
  const cloud = fork(child, [database, '0', GATEWAY, '', JSON.stringify(authority.brokerTls)]);
  const [broker] = (await once(cloud, 'message')) as [string];
  const outbox = openOutbox({ folder: join(folder, 'outbox'), gateway: GATEWAY, maxBytes: 2 ** 33 });
  const uplinks: Uplink[] = [];
  let isOpen = true;
  const release = (): void => {
    if (isOpen) outbox.close();
    isOpen = false;
  };
  return {
    outbox,
    tls,
    broker,
    database,
    fill(readings) {
      for (let next = outbox.nextSequence - 1; next < readings; next = outbox.nextSequence - 1)
        outbox.append(benchReadings(next, Math.min(COMMIT_READINGS, readings - next)).map(withoutKey));
    },
    connect(timing = {}) {
      const uplink = startUplink({
        gateway: GATEWAY,
        broker,
        tls,
        outbox,
        clock: systemClock(),
        log: pino({ level: 'error' }, pino.destination(2)),
        buses: () => [],
        onFault: (error) => {
          throw error;
        },
        timing,
      });
      uplinks.push(uplink);
      return uplink;
    },
    release,
    async close() {
      for (const uplink of uplinks) await uplink.stop();
      release();
      cloud.disconnect();
      await once(cloud, 'exit');
      authority.remove();
    },
  };
}
