/** Bills, outbox and ledger side by side, for the reconciliation. */

/** What each of the three says of one charge, in minor units; null where it says nothing. */
export interface BooksRow {
  position: number;
  key: string;
  bill: bigint | null;
  /** As the event has it: decimal. */
  outbox: string | null;
  ledger: bigint | null;
}

export interface BooksOperations {
  /** Of charges after the position `since`. Runs of builds that told no events are left out. */
  booksRows(asked: { since: number; limit: number }): BooksRow[];
  /** Keys that events tell of and that no charge has. */
  unbilledEvents(): string[];
}
