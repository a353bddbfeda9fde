/** What stands in a record of the outbox: readings and markers on their way in, uplink items on their way out. */
import type { EvidenceItem } from '../../protocols/evidence.ts';
import { GapMarker, type Reading } from '../../protocols/reading.ts';
import type { Accepted } from './outbox-folder.ts';
import type { OutboxRecord } from './outbox-record.ts';

/** A reading before it has its place in the outbox. */
export type NewReading = Omit<Reading, 'kind' | 'sequence'>;

/** Evidence before it has its place in the outbox. */
export type NewEvidenceItem = Omit<EvidenceItem, 'sequence'>;

/** An uplink item ready to be sent: `json` is the text of a `Reading`, a `GapMarker` or an `EvidenceItem`. */
export interface OutboxItem {
  sequence: number;
  json: string;
}

export interface OutboxOptions {
  folder: string;
  gateway: string;
  /** Of records that are not receipted yet; the files may be larger by a segment. */
  maxBytes: number;
  /** Registers that are given up last; all of them when not told. */
  isBilling?: (meter: string, register: string) => boolean;
}

export interface OutboxStats {
  nextSequence: number;
  /** The newest sequence that is acknowledged together with all before it. */
  acknowledgedTo: number;
  rows: number;
  bytes: number;
  oldestMs: number | null;
  /** Readings given up, and refused, since the outbox was opened. */
  givenUp: number;
  refused: number;
  /** Set aside since then. */
  deadLetters: number;
}

/** The register of a marker that stands for readings of unknown registers of the gateway. */
const NO_REGISTER = '0-0:0.0.0';
/** Within what `Temporal` can tell: a damaged instant may be anything. */
const MOST_MS = 1e14;

const instantText = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();
export const instantMs = (text: string): number => Temporal.Instant.from(text).epochMilliseconds;
export const keyOf = ({ meter, register }: { meter: string; register: string }): string =>
  `${meter} ${register}`;

/** By register the reading of the newest instant is kept. */
export function noteAccepted(accepted: Map<string, Accepted>, reading: NewReading): void {
  const atMs = instantMs(reading.readAt);
  const last = accepted.get(keyOf(reading));
  if (last === undefined || last.atMs <= atMs) accepted.set(keyOf(reading), { atMs, value: reading.value });
}

export const readingRecord = (
  reading: NewReading,
  { sequence, billing }: { sequence: number; billing: boolean },
): OutboxRecord => ({
  sequence,
  atMs: instantMs(reading.readAt),
  billing,
  kind: 'item',
  key: keyOf(reading),
  text: JSON.stringify({ kind: 'reading', sequence, ...reading }),
});

/** A marker that takes its own place in the line. */
export const markerRecord = (marker: GapMarker, fromMs: number): OutboxRecord => ({
  sequence: marker.sequence,
  atMs: fromMs,
  billing: true,
  kind: 'item',
  key: '',
  text: JSON.stringify(marker),
});

/** A person's word is given up last, as billing readings are. */
export const evidenceRecord = (item: NewEvidenceItem, sequence: number): OutboxRecord => ({
  sequence,
  atMs: instantMs(item.evidence.at),
  billing: true,
  kind: 'item',
  key: '',
  text: JSON.stringify({ ...item, sequence }),
});

/** The JSON that goes up: of a hole, the marker that tells of it. */
export function itemText({ sequence, kind, key, atMs, text }: OutboxRecord, gateway: string): string {
  if (kind === 'item') return text;
  const [meter = '', register] = key.split(' ');
  const at = instantText(Math.abs(atMs) < MOST_MS ? atMs : 0);
  const marker: GapMarker = {
    kind: 'gap',
    sequence,
    meter: key === '' ? gateway : meter,
    register: register ?? NO_REGISTER,
    from: at,
    to: at,
    count: 1,
    reason: GapMarker.shape.reason.parse(text),
  };
  return JSON.stringify(marker);
}
