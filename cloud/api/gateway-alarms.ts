/** What is wrong with a gateway, from its last status and from how long nothing was heard of it. Pure. */
import type { GatewayAlarm } from '../../protocols/api.ts';
import type { StoredGatewayStatus } from '../store/port/gateways.ts';

/** A gateway tells its status every half a minute: so many times it may be lost. */
const SILENT_MS = 180_000;
/** What waits longer than this no link brings any more by itself. */
const WAITING_MS = 3_600_000;
const CLOCK_SECONDS = 60;

/** @param silentMs since it was heard, by no clock that somebody sets */
export function gatewayAlarms(status: StoredGatewayStatus, silentMs: number): GatewayAlarm[] {
  const { online, at, oldestBufferedAt, cloudOffset, keyId, pinnedKeyId } = status;
  const offset =
    cloudOffset === undefined ? 0 : Math.abs(cloudOffset.offsetSeconds) - cloudOffset.uncertaintySeconds;
  // Both stamps are the gateway's.
  const waitingMs = oldestBufferedAt === null ? 0 : msOf(at) - msOf(oldestBufferedAt);
  const alarms: [GatewayAlarm, boolean][] = [
    ['offline', !online],
    ['silent', online && silentMs > SILENT_MS],
    ['key_changed', keyId !== undefined && pinnedKeyId !== undefined && keyId !== pinnedKeyId],
    ['clock_off', offset > CLOCK_SECONDS],
    ['backlog', waitingMs > WAITING_MS],
  ];
  return alarms.flatMap(([alarm, stands]) => (stands ? [alarm] : []));
}

const msOf = (text: string): number => Temporal.Instant.from(text).epochMilliseconds;
