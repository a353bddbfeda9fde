/** An authority in a temporary folder, with a broker's certificate, for tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeKeyFile, writePublicFile } from '../process/key-file.ts';
import type { BrokerTls } from './broker-certificates.ts';
import { type Authority, initAuthority } from './certificates/authority.ts';

export interface TestAuthority {
  folder: string;
  authority: Authority;
  brokerTls: BrokerTls;
  /** What a gateway connects with. */
  gateway(name: string, options?: { days?: number }): Promise<{ ca: string; cert: string; key: string }>;
  remove(): void;
}

export async function startAuthority(): Promise<TestAuthority> {
  const folder = mkdtempSync(join(tmpdir(), 'meterline-authority-'));
  const nowMs = Date.now();
  const authority = await initAuthority(folder, 'Test park 1', nowMs);
  const pair = await authority.issuePair({ kind: 'server', hosts: ['localhost', '127.0.0.1'] }, { nowMs });
  const [cert, key] = [join(folder, 'broker.pem'), join(folder, 'broker-key.pem')];
  writePublicFile(cert, pair.certificate);
  writeKeyFile(key, pair.key);
  return {
    folder,
    authority,
    brokerTls: { cert, key, clientCa: join(folder, 'ca.pem'), revoked: join(folder, 'crl.pem') },
    async gateway(name, options = {}) {
      const issued = await authority.issuePair({ kind: 'gateway', name }, { nowMs: Date.now(), ...options });
      return { ca: authority.trusted(), cert: issued.certificate, key: issued.key };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
