/** Commissioning evidence as the gateways signed it. */
import type { SignedEvidence } from '../../../protocols/evidence.ts';

export interface EvidenceOperations {
  /** The newest first. */
  evidenceOf(asked: { meter: string; limit: number }): SignedEvidence[];
}
