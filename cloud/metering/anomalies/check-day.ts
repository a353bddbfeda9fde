/** The check of one site-local day: every detector, on what is known at the day's end. */
import type { Anomaly } from '../../../protocols/api.ts';
import { localDate } from '../detectors/alarm.ts';
import type { CheckInput, Finding } from './check-input.ts';
import { gap } from './gap.ts';
import { imbalance } from './imbalance.ts';
import { nightFlow } from './night-flow.ts';
import { stuck } from './stuck.ts';
import { surge } from './surge.ts';

const detectors: readonly ((input: CheckInput) => Finding[])[] = [nightFlow, stuck, surge, imbalance, gap];

const instant = (ms: number): string => new Temporal.Instant(BigInt(ms) * 1_000_000n).toString();

/**
 * What is new at the day's end: anomalies raised now, and open ones that have ended: at the end that was
 * found, or else at the end of the day before, when they were last seen. The same input gives the same anomalies, and a second check that knows the first one's gives none.
 */
export function checkDay(input: CheckInput): Anomaly[] {
  const known = new Map(input.known.map((anomaly) => [anomaly.id, anomaly]));
  const standing = new Set<string>();
  const changed: Anomaly[] = [];
  for (const finding of detectors.flatMap((detect) => detect(input))) {
    const before = knownAs(input, finding);
    standing.add(before?.id ?? idOf(input, finding));
    const end = finding.endMs === null ? null : instant(finding.endMs);
    if (before === undefined) changed.push(raise(input, finding, end));
    else if (before.end === null && end !== null) changed.push({ ...before, end });
  }
  for (const anomaly of known.values())
    if (anomaly.end === null && !standing.has(anomaly.id))
      changed.push({ ...anomaly, end: instant(input.day.startMs) });
  return changed;
}

const idOf = (input: CheckInput, { kind, meter, startMs }: Finding): string =>
  `${kind}-${meter}-${localDate(startMs, input.timeZone)}`;

/** The same start, or still open: as history goes on, a condition may seem to have begun on another day. */
function knownAs(input: CheckInput, finding: Finding): Anomaly | undefined {
  const id = idOf(input, finding);
  return (
    input.known.find((anomaly) => anomaly.id === id) ??
    input.known.find(
      ({ kind, meter, end }) => kind === finding.kind && meter === finding.meter && end === null,
    )
  );
}

const raise = (input: CheckInput, finding: Finding, end: string | null): Anomaly => ({
  id: idOf(input, finding),
  meter: finding.meter,
  kind: finding.kind,
  start: instant(finding.startMs),
  end,
  raisedAt: instant(input.day.endMs),
  severity: finding.severity,
  evidence: finding.evidence,
});
