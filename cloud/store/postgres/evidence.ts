/** Commissioning evidence as the gateways signed it: only ever added to. */
import { type EvidenceItem, evidenceText, SignedEvidence } from '../../../protocols/evidence.ts';
import type { Batch } from '../../../protocols/uplink.ts';
import { type Refusal, unixMs } from '../admit.ts';
import { evidenceRefusal, sha256 } from '../evidence-refusal.ts';
import type { Database } from './open-database.ts';
import type { Session } from './session.ts';

const conflict = (detail: string): Refusal => ({ code: 'conflict', detail });

const STANDING = `SELECT EXISTS (SELECT 1 FROM item_key k WHERE k.gateway = $1 AND k.epoch = $2 AND k.sequence = $3) AS taken,
  (SELECT e.digest FROM evidence e WHERE e.gateway = $1 AND e.epoch = $2 AND e.sequence = $3) AS digest`;
const INSERT = `INSERT INTO evidence (gateway, epoch, sequence, meter, instant, digest, text, signature)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`;

/** Stores evidence inside the caller's transaction. */
export async function putEvidence(
  session: Session,
  { gateway, epoch }: Pick<Batch, 'gateway' | 'epoch'>,
  item: EvidenceItem,
  latestMs: number,
): Promise<'stored' | 'duplicate' | Refusal> {
  const { sequence, evidence, signature } = item;
  const [standing] = await session.rows(STANDING, [gateway, epoch, sequence]);
  if (standing?.taken === true && standing.digest === null)
    return conflict('a reading is stored under this sequence');
  const text = evidenceText(evidence);
  const refusal = evidenceRefusal(item, text, gateway, latestMs);
  if (refusal !== null) return refusal;
  const digest = sha256(text);
  if (standing?.taken === true)
    return standing.digest === digest
      ? 'duplicate'
      : conflict('something else is stored under this sequence');
  const row = [gateway, epoch, sequence, evidence.meter, unixMs(evidence.at), digest, text];
  return (await session.run(INSERT, [...row, JSON.stringify(signature)])) === 1 ? 'stored' : 'duplicate';
}

const OF_METER =
  'SELECT text, signature, digest FROM evidence WHERE meter = $1 ORDER BY instant DESC, digest LIMIT $2';

export function operations(db: Database) {
  return {
    async evidenceOf({ meter, limit }: { meter: string; limit: number }): Promise<SignedEvidence[]> {
      return (await db.rows(OF_METER, [meter, limit])).map(({ text, signature, digest }) =>
        SignedEvidence.parse({
          evidence: JSON.parse(text as string),
          signature: JSON.parse(signature as string),
          digest,
        }),
      );
    },
  };
}
