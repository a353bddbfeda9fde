/** From one register value to the next: is the step one that the meter can have made? */

/** Register value in Micro, as on the face. */
export interface RegisterPoint {
  atMs: number;
  value: bigint;
  /** The meter kept it itself, and gave it after an outage. */
  frozen?: boolean;
}

export interface RegisterLimits {
  /** The register wraps here, in Micro. */
  modulus: bigint;
  /** The most it counts in an hour, in Micro. */
  maxPerHour: bigint;
}

/** What the register counted, in Micro; `rollover` when it passed its top on the way. */
export interface RegisterStep {
  delta: bigint;
  rollover: boolean;
}

const HOUR_MS = 3_600_000n;
/** Two readings may each be stamped up to two minutes off the instant at which the register was latched. */
const STAMP_SLACK_MS = 240_000n;
/** A register that shows whole units ticks by one at once. */
const TICK = 1_000_000n;

/**
 * Null when no meter within `limits` makes this step. A rollover must start in the top tenth of the register and count
 * no more than the hours allow. Without limits every forward step is possible, and no backward one.
 */
export function registerStep(
  from: RegisterPoint,
  to: RegisterPoint,
  limits: RegisterLimits | null,
): RegisterStep | null {
  const delta = to.value - from.value;
  if (limits === null) return delta < 0n ? null : { delta, rollover: false };
  const most = (limits.maxPerHour * (BigInt(to.atMs - from.atMs) + STAMP_SLACK_MS)) / HOUR_MS + TICK;
  if (delta >= 0n) return delta <= most ? { delta, rollover: false } : null;
  const wrapped = delta + limits.modulus;
  const nearTop = from.value >= limits.modulus - limits.modulus / 10n;
  const plausible = nearTop && wrapped <= most && wrapped <= limits.modulus / 2n;
  return plausible ? { delta: wrapped, rollover: true } : null;
}
