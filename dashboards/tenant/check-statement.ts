/**
 * Verifies the statement's bytes in this browser, by the module that the server and the command line use. It comes when the page
 * stands: what a tenant sees first does not wait for it.
 */
import type { Finding } from '../../cloud/billing/verify-statement.ts';

export type Check = { state: 'good' } | { state: 'bad'; findings: Finding[] } | { state: 'unable' };

/** A page that did not come over https, or an old browser, has no Ed25519. That is no verdict on the file. */
async function canCheck(): Promise<boolean> {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (subtle === undefined) return false;
  try {
    await subtle.generateKey('Ed25519', false, ['sign', 'verify']);
    return true;
  } catch {
    return false;
  }
}

export async function checkStatement(bytes: Uint8Array<ArrayBuffer>): Promise<Check> {
  if (!(await canCheck())) return { state: 'unable' };
  const { verifyStatement } = await import('../../cloud/billing/verify-statement.ts');
  const verified = await verifyStatement(bytes);
  return verified.ok ? { state: 'good' } : { state: 'bad', findings: verified.findings };
}
