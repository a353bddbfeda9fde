/** Instants as on the wires: RFC 3339 with `Z`. Many readings are of one instant, and its text is made once. */
let lastMs = Number.NaN;
let lastText = '';

export function instantText(unixMs: number): string {
  if (unixMs !== lastMs) {
    lastText = Temporal.Instant.fromEpochMilliseconds(unixMs).toString();
    lastMs = unixMs;
  }
  return lastText;
}
