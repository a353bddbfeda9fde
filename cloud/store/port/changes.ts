/** What new readings, or new facts of a meter, make stale. */

export interface DirtyDay {
  meter: string;
  /** 00:00Z of the day. */
  dayMs: number;
  version: number;
}

export interface ChangesOperations {
  /**
   * Days in which readings or gap markers of a meter arrived, or that were marked, since they were last cleared. What a reading changes may
   * reach beyond its day, to the neighbouring readings: see `readingAtOrBefore` and `readingAtOrAfter`.
   */
  dirtyDays(): DirtyDay[];
  /** Marks every day in which the meters have readings, as if these had just arrived. */
  markDirty(meters: string[]): void;
  /** Clears the days as they were seen; one that was marked again since stays. */
  clearDirty(rows: DirtyDay[]): void;
}
