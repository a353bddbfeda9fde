/** Exchanges with a meter on M-Bus: a command that it acknowledges, and the request for its data. */
import { buildMbusFrame, MbusDeframer, type MbusFrame } from '../protocols/mbus/frame.ts';
import { buildCommand, isAnswer, type MbusCommand } from '../protocols/mbus/link.ts';
import { type ParsedTelegram, parseTelegram } from '../protocols/mbus/telegram.ts';
import type { Doubt, Exchange, MeterUnit, Taken } from './exchange.ts';

/** A telegram, and the primary address that the meter gave with it. */
export type MbusAnswer = Extract<ParsedTelegram, { ok: true }> & { address: number; bytes: Uint8Array };

type Parsed<T> = { ok: true; answer: T } | { ok: false; code: Doubt };

/** E5 names nobody: it is worth no more than "go on and ask". */
export function acknowledged(unit: MeterUnit, command: MbusCommand): Exchange<'acknowledged'> {
  return mbusExchange(unit, command, ({ kind }) =>
    kind === 'ack' ? { ok: true, answer: 'acknowledged' } : { ok: false, code: 'wrong_function' },
  );
}

/**
 * @param isMistakable when the last telegram came that may come again and pass for this one (`performance.now()`), or null
 * @param judge why a telegram cannot be the answer, or null
 */
export function requestedData(
  unit: MeterUnit,
  { address, fcb }: { address: number; fcb: boolean },
  mistakableSince: () => number | null,
  judge: (answer: MbusAnswer) => Doubt | null,
): Exchange<MbusAnswer> {
  const parse = (frame: MbusFrame, bytes: Uint8Array): Parsed<MbusAnswer> => {
    if (!isAnswer(frame)) return { ok: false, code: 'wrong_function' };
    const telegram = parseTelegram(frame.ci, frame.data);
    if (!telegram.ok) return { ok: false, code: unreadable[telegram.code] };
    const answer = { ...telegram, address: frame.address, bytes };
    const doubt = judge(answer);
    return doubt === null ? { ok: true, answer } : { ok: false, code: doubt };
  };
  return { ...mbusExchange(unit, { kind: 'data', address, fcb }, parse), mistakableSince };
}

const unreadable = {
  unsupported: 'wrong_function',
  encrypted: 'wrong_function',
  bad_records: 'wrong_byte_count',
} as const;

/** The answer has to come alone, but for the echo of the command, which some level converters send first. */
function mbusExchange<T>(
  unit: MeterUnit,
  command: MbusCommand,
  parse: (frame: MbusFrame, bytes: Uint8Array) => Parsed<T>,
): Exchange<T> {
  const deframer = new MbusDeframer();
  const sent = buildMbusFrame(buildCommand(command));
  let echoed = false;
  return {
    unit,
    mistakableSince: () => null,
    start: () => sent,
    take(chunk) {
      let taken: Taken<T> = { state: 'partial' };
      for (const event of deframer.push(chunk)) {
        if (!event.ok) return { state: 'doubt', doubt: event.code };
        if (taken.state !== 'partial') return { state: 'doubt', doubt: 'not_alone' };
        if (!echoed && Buffer.compare(event.bytes, sent) === 0) {
          echoed = true;
          continue;
        }
        const parsed = parse(event.frame, event.bytes);
        if (!parsed.ok) return { state: 'doubt', doubt: parsed.code };
        taken = { state: 'answer', answer: parsed.answer, mayFollow: false };
      }
      const isAlone = taken.state === 'partial' || deframer.pending === 0;
      return isAlone ? taken : { state: 'doubt', doubt: 'not_alone' };
    },
  };
}
