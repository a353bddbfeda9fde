/** The meters on one simulated bus, and how they answer a Modbus PDU. */
import { buildException, buildResponse, parseRequest } from '../../protocols/modbus/pdu.ts';
import type { Truth } from '../park/truth.ts';
import type { BusWiring } from '../park/wiring.ts';
import type { Profiles } from '../profiles.ts';
import { type MeterImage, meterImage } from './meter-image.ts';

/** The PDU that answers `pdu`, or null when there is no such unit. */
export type Answer = (unit: number, pdu: Uint8Array) => Uint8Array | null;

/** The instant at which simulated meters are read: the driver's, or the wall clock. */
export interface SimulatedClock {
  nowMs(): number;
  /** Of the meters' own clocks; without it they freeze nothing. */
  timeZone?: string;
  /** How far ahead their own clocks are. */
  offsetMs?: number;
}

/** @throws Error when a meter's profile is no Modbus profile */
export function busMeters(
  { meters }: BusWiring,
  { truth, profiles, clock }: { truth: Truth; profiles: Profiles; clock: SimulatedClock },
): Answer {
  const images = new Map<number, MeterImage>();
  for (const { meter, profile: id, unit } of meters) {
    const profile = profiles.get(id);
    if (profile?.protocol !== 'modbus') throw new Error(`${meter}: "${id}" is no Modbus profile`);
    images.set(unit, meterImage(profile, truth, truth.of(meter), clock));
  }
  return (unit, pdu) => {
    const image = images.get(unit);
    if (image === undefined) return null;
    const parsed = parseRequest(pdu);
    if (!parsed.ok) return buildException(parsed.functionCode, parsed.exception);
    const { request } = parsed;
    const answer = image(request);
    return answer.ok
      ? buildResponse(request.functionCode, answer.data)
      : buildException(request.functionCode, answer.exception);
  };
}
