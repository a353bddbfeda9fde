/** Bytes of the readings topic -> batches that can be stored, and what in them cannot. Nothing here is trusted. */
import { zstdDecompressSync } from 'node:zlib';
import { z } from 'zod';
import { Id } from '../protocols/reading.ts';
import { Batch, UplinkItem } from '../protocols/uplink.ts';

/** A batch decompresses to no more than this: 10,000 items of the largest size are far below. */
const MOST_BYTES = 16 * 1024 * 1024;

export type BatchRefusal =
  | 'not_zstd'
  | 'batch_too_large'
  | 'not_utf8'
  | 'not_json'
  | 'not_a_batch'
  | 'gateway_mismatch';

/** An item at a known sequence that does not keep the schema. */
export interface BadItem {
  sequence: number;
  payload: string;
  detail: string;
}

export type DecodedBatch =
  /** The range is readable: `parts` are the storable runs of it, in order, `bad` the rest. */
  | { ok: true; epoch: string; from: number; to: number; parts: Batch[]; bad: BadItem[] }
  /** Nothing in it can be told apart, so nothing of it can be acknowledged. `text` is the payload as text, or hex. */
  | { ok: false; code: BatchRefusal; detail: string; text: string };

/** A batch whose items may be anything: enough to say which sequences it covers. */
const Envelope = z
  .strictObject({
    gateway: Id,
    epoch: z.string().regex(/^[0-9a-f]{16}$/),
    from: z.int().positive(),
    to: z.int().positive(),
    items: z.array(z.unknown()).min(1).max(10_000),
  })
  .refine((b) => b.to - b.from + 1 === b.items.length, { error: 'not as many items as from..to' });

type Unpacked =
  | { ok: true; bytes: Buffer }
  | { ok: false; code: 'not_zstd' | 'batch_too_large'; detail: string };

/** No bomb unpacks to more than the largest batch. */
export function unpack(payload: Buffer): Unpacked {
  try {
    return { ok: true, bytes: zstdDecompressSync(payload, { maxOutputLength: MOST_BYTES }) };
  } catch (error) {
    const code = error instanceof RangeError ? 'batch_too_large' : 'not_zstd';
    return { ok: false, code, detail: String(error) };
  }
}

/** @param gateway the one that the topic names */
export function decodeBatch(payload: Buffer, gateway: string): DecodedBatch {
  const refuse = (code: BatchRefusal, detail: string, text = payload.toString('hex')): DecodedBatch => ({
    ok: false,
    code,
    detail,
    text,
  });
  const unpacked = unpack(payload);
  if (!unpacked.ok) return refuse(unpacked.code, unpacked.detail);
  const { bytes } = unpacked;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    return refuse('not_utf8', String(error));
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    return refuse('not_json', String(error), text);
  }
  const batch = readBatch(document, gateway);
  return batch.ok ? batch : refuse(batch.code, batch.detail, text);
}

type ReadBatch = (DecodedBatch & { ok: true }) | { ok: false; code: BatchRefusal; detail: string };

/** The same of a document that is parsed already. @param gateway the one that is known to have sent it */
export function readBatch(document: unknown, gateway: string): ReadBatch {
  const whole = Batch.safeParse(document);
  const envelope = whole.success ? whole : Envelope.safeParse(document);
  if (!envelope.success) return { ok: false, code: 'not_a_batch', detail: z.prettifyError(envelope.error) };
  if (envelope.data.gateway !== gateway)
    return {
      ok: false,
      code: 'gateway_mismatch',
      detail: `"${envelope.data.gateway}" where "${gateway}" sends`,
    };
  const { epoch, from, to } = envelope.data;
  const sorted = whole.success ? { parts: [whole.data], bad: [] } : separate(envelope.data);
  return { ok: true, epoch, from, to, ...sorted };
}

/** Splits a batch around its bad items, so that one of them does not block the others. */
function separate({ gateway, epoch, from, items }: z.infer<typeof Envelope>): {
  parts: Batch[];
  bad: BadItem[];
} {
  const parts: Batch[] = [];
  const bad: BadItem[] = [];
  for (const [index, item] of items.entries()) {
    const sequence = from + index;
    const parsed = UplinkItem.safeParse(item);
    if (!parsed.success || parsed.data.sequence !== sequence) {
      const detail = parsed.success ? `not sequence ${sequence}` : z.prettifyError(parsed.error);
      bad.push({ sequence, payload: JSON.stringify(item), detail });
      continue;
    }
    const run = parts.at(-1);
    if (run?.to === sequence - 1) {
      run.items.push(parsed.data);
      run.to = sequence;
    } else parts.push({ gateway, epoch, from: sequence, to: sequence, items: [parsed.data] });
  }
  return { parts, bad };
}
