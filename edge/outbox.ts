/** The gateway's durable buffer between the meters and the cloud. */
import type { Reading } from '../protocols/reading.ts';

/** A reading before it has its place in the outbox. */
export type NewReading = Omit<Reading, 'kind' | 'sequence'>;
