/** What a frame that came over Modbus is worth, whatever carries it. */
import {
  type ParsedResponse,
  parseResponse,
  type ReadRequest,
  readRefusal,
} from '../../protocols/modbus/pdu.ts';
import type { Alarm, Taken } from './exchange.ts';

export interface UnitRequest extends ReadRequest {
  unit: number;
}

/** Register bytes as on the wire, or the meter's own refusal. */
export type Answer = { ok: true; data: Uint8Array } | { ok: false; exception: number };

/** What was asked, and the PDU that answered it; null: nothing yet. */
export interface Asked {
  request: UnitRequest;
  answer: Uint8Array | null;
}

/** "Acknowledge" and "busy": the real answer may follow unasked. */
const MAY_FOLLOW = new Set([5, 6]);

/** @throws RangeError for anything but a read: no write leaves the gateway */
export function assertRead(request: UnitRequest): void {
  const refusal = readRefusal(request);
  if (refusal !== null) throw new RangeError(`not a read request: ${refusal}`);
}

/** @param pdu of the only frame that came; it is noted in `asked` as the answer when it is one */
export function judgeFrame(asked: Asked, unit: number, pdu: Uint8Array): Taken<Answer> {
  if (unit !== asked.request.unit) return { state: 'doubt', doubt: 'wrong_unit' };
  const response: ParsedResponse = parseResponse(pdu, asked.request);
  if (response.ok) {
    asked.answer = pdu;
    return { state: 'answer', answer: response, mayFollow: false };
  }
  if (response.code !== 'exception') return { state: 'doubt', doubt: response.code };
  const { exception } = response;
  const mayFollow = MAY_FOLLOW.has(exception);
  if (!mayFollow) asked.answer = pdu;
  return { state: 'answer', answer: { ok: false, exception }, mayFollow };
}

/** Whether a frame is one more answer to what has been answered. */
export function alarmOf(asked: Asked | null, unit: number, pdu: Uint8Array): Alarm | undefined {
  if (asked === null || asked.answer === null || unit !== asked.request.unit) return undefined;
  const response = parseResponse(pdu, asked.request);
  if (!response.ok && response.code !== 'exception') return undefined;
  const isSame = Buffer.compare(pdu, asked.answer) === 0;
  return { kind: isSame ? 'duplicate' : 'second_slave', unit };
}

/** A doubt about what came, with the alarm where it is clear who spoke. */
export function doubtful(
  doubt: (Taken<never> & { state: 'doubt' })['doubt'],
  alarm: Alarm | undefined,
): Taken<never> {
  return alarm === undefined ? { state: 'doubt', doubt } : { state: 'doubt', doubt, alarm };
}
