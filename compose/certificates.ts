/**
 * The certificates of an installation. They are made once, and the authority's key is thrown away: so the broker admits this
 * gateway and, until all of them are made anew, no other.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initAuthority } from '../cloud/certificates/authority.ts';

/** PEM texts. */
export interface Certificates {
  authority: string;
  broker: string;
  brokerKey: string;
  gateway: string;
  gatewayKey: string;
}

/** As long as the authority: nothing here renews them. */
const DAYS = 3_650;

export async function makeCertificates(brokerHost: string, gateway: string): Promise<Certificates> {
  const folder = mkdtempSync(join(tmpdir(), 'meterline-setup-'));
  try {
    const nowMs = Date.now();
    const authority = await initAuthority(folder, 'Meterline installation', nowMs);
    const hosts = [...new Set([brokerHost, 'localhost', '127.0.0.1'])];
    const broker = await authority.issuePair({ kind: 'server', hosts }, { nowMs, days: DAYS });
    const client = await authority.issuePair({ kind: 'gateway', name: gateway }, { nowMs, days: DAYS });
    return {
      authority: authority.trusted(),
      broker: broker.certificate,
      brokerKey: broker.key,
      gateway: client.certificate,
      gatewayKey: client.key,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
