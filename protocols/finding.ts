/** What a look at an installation found: `meterline doctor` prints these. */
export interface Finding {
  /** What was looked at: `Node`, `port 8080`, `bus bus-1`. */
  check: string;
  /** `warning`: it works now, and may not for long, or cannot be told. `not_tried`: nothing was looked at, so nothing is known. */
  state: 'ok' | 'warning' | 'wrong' | 'not_tried';
  detail: string;
  /** The next thing to try. */
  next?: string;
}
