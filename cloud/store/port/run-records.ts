/** What stands around an issued run: steps, claims, inputs, seals, late changes. */

export type RunState = 'open' | 'checked' | 'computed' | 'reviewed' | 'issued' | 'closed';

export interface RunStep {
  period: string;
  /** From 1 on. */
  number: number;
  state: RunState;
  at: string;
  actor: string;
  /** JSON of what belongs to the step: readiness, manifest, reason. */
  detail: string;
}

/** What one meter gave to a run. */
export interface RunInput {
  meter: string;
  digest: string;
  body: Uint8Array;
}

export interface RunSeal {
  json: string;
  keyId: string;
  signature: string;
}

export type SealRow = RunSeal & { period: string; revision: number };

/** Over what instants a run billed. */
export interface RunSpan {
  fromMs: number;
  toMs: number;
}

/** What is known of a run beside its money. */
export interface RunRecord {
  inputs: readonly RunInput[];
  span: RunSpan | null;
  seal: RunSeal | null;
  /** Periods whose late changes the run has charged. */
  settles: readonly string[];
}

export interface RunRecordsOperations {
  /** The steps of a period, the oldest first. */
  runSteps(period: string): RunStep[];
  /** The last step of every period that has any. */
  newestRunSteps(): RunStep[];
  /** Adds the step if `after` is still the number of the last one (0: none). @returns whether it was added */
  addRunStep(
    asked: Omit<RunStep, 'number'> & {
      after: number;
    },
  ): boolean;
  /** Takes the scope, or keeps it; a claim that has run out is anybody's. @returns whether it is the owner's now */
  claimRun(claimed: { scope: string; owner: string; nowMs: number; untilMs: number }): boolean;
  releaseRun(scope: string, owner: string): void;
  /** What the run was computed from, by meter. */
  runInputs(asked: { period: string; revision: number }): RunInput[];
  /** The meters whose intervals were written again after the period was issued. */
  lateChanges(): {
    period: string;
    meter: string;
  }[];
  /** In the order in which they were set. */
  runSeals(): SealRow[];
  /** The text that the next seal names by its digest; null before the first. */
  lastSeal(): string | null;
}
