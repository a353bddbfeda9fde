/**
 * Damage to a statement file that does not begin with readable digests. Where it is still a statement, in another layout, its
 * parts are compared with their digests by content. Else what the digests should be follows from the parts behind them, and
 * the first byte that is otherwise tells whose digest was damaged.
 */
import type { z } from 'zod';
import { canonicalJson } from '../../protocols/canonical-json.ts';
import { Statement } from '../../protocols/statement.ts';
import { type Damage, digestsOf, encode, parseJson, partsOf, sha256 } from './statement-file.ts';

const Body = Statement.omit({ digests: true });
const BODY_MARK = ',"head":{';
const DIGESTS: Damage = { kind: 'file', id: 'digests' };

export async function damageWithoutLayout(bytes: Uint8Array<ArrayBuffer>): Promise<Damage[]> {
  const statement = read(Statement, bytes, 0, '');
  return statement === null ? [await damagedDigest(bytes)] : [DIGESTS, ...(await changedParts(statement))];
}

const digested = (body: Parameters<typeof partsOf>[0]) =>
  Promise.all(partsOf(body).map(async (part) => ({ ...part, sha256: await sha256(encode(part.json)) })));

async function changedParts(statement: Statement): Promise<Damage[]> {
  const { head, lines, registers } = statement.digests;
  const signed = [head, ...lines, ...registers];
  const parts = await digested(statement);
  return parts
    .filter((part, index) => part.sha256 !== signed[index]?.sha256)
    .map(({ kind, id }) => ({ kind, id }));
}

async function damagedDigest(bytes: Uint8Array<ArrayBuffer>): Promise<Damage> {
  // One character a byte, so that the offset is the byte's.
  const at = new TextDecoder('latin1').decode(bytes).indexOf(BODY_MARK);
  const body = at === -1 ? null : read(Body, bytes, at + 1, '{');
  if (body === null) return DIGESTS;
  const parts = await digested(body);
  const digests = digestsOf(parts);
  const text = `{"digests":${canonicalJson(digests)}`;
  const first = encode(text).findIndex((byte, index) => byte !== bytes[index]);
  let from = 0;
  for (const [index, entry] of [digests.head, ...digests.lines, ...digests.registers].entries()) {
    const json = canonicalJson(entry);
    from = text.indexOf(json, from);
    const start = encode(text.slice(0, from)).length;
    const part = parts[index];
    if (part !== undefined && start <= first && first < start + encode(json).length)
      return { kind: part.kind, id: part.id };
  }
  return DIGESTS;
}

/** The JSON of the file from an offset on, or null where it is none of that shape. */
function read<T extends z.ZodType>(
  schema: T,
  bytes: Uint8Array<ArrayBuffer>,
  offset: number,
  opening: string,
): z.infer<T> | null {
  try {
    const parsed = schema.safeParse(parseJson(bytes.slice(offset), opening));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
