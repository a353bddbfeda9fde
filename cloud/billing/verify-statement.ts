/**
 * Checks a statement file from its bytes alone: form, digests, signature, arithmetic. The same module runs on the server, on
 * the command line and in the tenant's page.
 */

import { canonicalJson } from '../../protocols/canonical-json.ts';
import { Statement } from '../../protocols/statement.ts';
import { damageWithoutLayout } from './damaged-digests.ts';
import { type Finding, replayStatement } from './replay-statement.ts';
import { type Damage, encode, findDamage, isText, parseJson, partsOf, sha256 } from './statement-file.ts';

export type { Finding } from './replay-statement.ts';

export type Verification = { ok: true; statement: Statement } | { ok: false; findings: Finding[] };

/**
 * @param publicKey base64 of the issuer's raw key, from a source the reader trusts; without it the file's own key is taken,
 * and what is proved is that the file is whole and in itself right, not who signed it
 */
export async function verifyStatement(
  bytes: Uint8Array<ArrayBuffer>,
  publicKey: string | null = null,
): Promise<Verification> {
  const damages = (await findDamage(bytes)) ?? (await damageWithoutLayout(bytes));
  if (damages.length > 0) return refuse(damages.map(damageFinding));
  const statement = parse(bytes);
  if (typeof statement === 'string') return refuse([{ part: 'file', id: 'statement', message: statement }]);
  const findings = [
    ...digestFindings(statement),
    ...(await signatureFindings(statement, publicKey)),
    ...replayStatement(statement),
  ];
  return findings.length === 0 ? { ok: true, statement } : refuse(findings);
}

const refuse = (findings: Finding[]): Verification => ({ ok: false, findings });

const damageFinding = ({ kind, id }: Damage): Finding => ({
  part: kind,
  id,
  message:
    kind === 'file'
      ? 'not the bytes of a statement in its canonical form'
      : 'its bytes, or their digest, are not those that were signed',
});

/** The statement, or why it is none. */
function parse(bytes: Uint8Array<ArrayBuffer>): Statement | string {
  let value: unknown;
  try {
    value = parseJson(bytes);
  } catch (error) {
    return `no JSON in UTF-8: ${(error as Error).message}`;
  }
  const parsed = Statement.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return `no statement: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
  }
  return isText(bytes, canonicalJson(parsed.data)) ? parsed.data : 'not in canonical form';
}

/** The digests name the parts that there are. That they fit their bytes is known already. */
function digestFindings(statement: Statement): Finding[] {
  const { head, lines, registers } = statement.digests;
  const named = [head, ...lines, ...registers].map(({ id }) => id);
  return partsOf(statement).flatMap(({ kind, id }, index) =>
    named[index] === id ? [] : [{ part: kind, id, message: `its digest is named ${named[index]}` }],
  );
}

async function signatureFindings(
  { digests, signature }: Statement,
  publicKey: string | null,
): Promise<Finding[]> {
  const finding = (message: string): Finding[] => [{ part: 'signature', id: signature.keyId, message }];
  const raw = fromBase64(signature.publicKey, 32);
  const value = fromBase64(signature.value, 64);
  if (raw === null || value === null) return finding('the key or the signature is no base64 of its length');
  if ((await sha256(raw)).slice(0, 16) !== signature.keyId)
    return finding('the key is not the one it is called');
  if (publicKey !== null && publicKey !== signature.publicKey)
    return finding('signed by another key than the trusted one');
  const { subtle } = globalThis.crypto;
  const message = encode(canonicalJson(digests));
  try {
    const key = await subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
    const holds = await subtle.verify('Ed25519', key, value, message);
    return holds ? [] : finding('the signature does not belong to these digests');
  } catch (error) {
    // 32 bytes that are no point of the curve are no key; an old browser knows no such keys at all.
    const unknown = (error as Error).name === 'NotSupportedError';
    return finding(unknown ? 'Ed25519 signatures cannot be checked here' : 'the key is no key');
  }
}

/** Null unless the text is the one base64 form of that many bytes. */
function fromBase64(text: string, length: number): Uint8Array<ArrayBuffer> | null {
  try {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return bytes.length === length && btoa(String.fromCharCode(...bytes)) === text ? bytes : null;
  } catch {
    return null;
  }
}
