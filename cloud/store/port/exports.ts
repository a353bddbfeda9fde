/** What the optional curve store has not got yet. */
import type { ReadingRow } from './readings.ts';

export interface DirtyHour {
  /** Whole hours since 1970. */
  hour: number;
  /** Number of the ingest that marked it last. */
  version: number;
}

export interface ExportsOperations {
  /** Marked hours after `afterHour`, the oldest first. */
  exportDirtyHours(asked: { afterHour: number; limit: number }): DirtyHour[];
  /** A page of an hour's readings by meter, register and instant; `after` is the last row of the page before. */
  hourReadings(query: { hour: number; after: ReadingRow | null; limit: number }): ReadingRow[];
  /** Clears the mark if it is still as it was seen. */
  clearExportDirty(asked: DirtyHour): {
    cleared: boolean;
  };
  /** Marks every hour with readings in `[fromMs, toMs)` to be written once more, after the curve store lost some. */
  exportAgain(asked: { fromMs: number; toMs: number }): {
    hours: number;
  };
}
