/** What the detectors raised. */
import type { Anomaly } from '../../../protocols/api.ts';

export interface AnomaliesOperations {
  /** Adds new anomalies; of a known id the end, severity and evidence follow, the instant it was raised stays. */
  putAnomalies(list: Anomaly[]): void;
  /** The newest first. */
  anomalies(asked?: { openOnly?: boolean }): Anomaly[];
}
