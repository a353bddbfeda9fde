/**
 * Commissioning evidence as the gateways signed it: only ever added to. Each is stored once, under its place in the
 * gateway's line and under its content.
 */

import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { type EvidenceItem, evidenceText, SignedEvidence } from '../../../protocols/evidence.ts';
import type { Batch } from '../../../protocols/uplink.ts';
import { type Refusal, unixMs } from '../admit.ts';
import { evidenceRefusal, sha256 } from '../evidence-refusal.ts';
import type { EvidenceOperations } from '../port/evidence.ts';
import { appendOnly } from './append-only.ts';

export const schema = `
CREATE TABLE IF NOT EXISTS evidence (
  gateway TEXT NOT NULL,
  epoch TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  meter TEXT NOT NULL,
  instant INTEGER NOT NULL,   -- Unix milliseconds
  digest TEXT NOT NULL UNIQUE, -- SHA-256 of the text
  text TEXT NOT NULL,          -- what is signed: canonical JSON
  signature TEXT NOT NULL,     -- JSON
  PRIMARY KEY (gateway, epoch, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS evidence_meter ON evidence (meter, instant);
${appendOnly('evidence')}
`;

const conflict: Refusal = { code: 'conflict', detail: 'something else is stored under this sequence' };

/** Stores evidence inside the caller's transaction. */
export function evidenceWriter(db: DatabaseSync) {
  const insert = db.prepare(
    `INSERT INTO evidence (gateway, epoch, sequence, meter, instant, digest, text, signature)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const bySequence = db.prepare(
    'SELECT digest FROM evidence WHERE gateway = ? AND epoch = ? AND sequence = ?',
  );
  return (
    { gateway, epoch }: Pick<Batch, 'gateway' | 'epoch'>,
    item: EvidenceItem,
    latestMs: number,
  ): 'stored' | 'duplicate' | Refusal => {
    const { sequence, evidence, signature } = item;
    const text = evidenceText(evidence);
    const refusal = evidenceRefusal(item, text, gateway, latestMs);
    if (refusal !== null) return refusal;
    const digest = sha256(text);
    const known = bySequence.get(gateway, epoch, sequence);
    if (known !== undefined) return known.digest === digest ? 'duplicate' : conflict;
    const row = [gateway, epoch, sequence, evidence.meter, unixMs(evidence.at), digest, text];
    return insert.run(...row, JSON.stringify(signature)).changes === 1 ? 'stored' : 'duplicate';
  };
}

const Row = z.object({ text: z.string(), signature: z.string(), digest: z.string() });

export function operations(db: DatabaseSync): EvidenceOperations {
  const ofMeter = db.prepare(
    'SELECT text, signature, digest FROM evidence WHERE meter = ? ORDER BY instant DESC, digest LIMIT ?',
  );
  return {
    evidenceOf({ meter, limit }: { meter: string; limit: number }): SignedEvidence[] {
      return ofMeter.all(meter, limit).map((row) => {
        const { text, signature, digest } = Row.parse(row);
        return SignedEvidence.parse({ evidence: JSON.parse(text), signature: JSON.parse(signature), digest });
      });
    },
  };
}
