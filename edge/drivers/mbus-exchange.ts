/** Exchanges with a meter on M-Bus: a command that it acknowledges, and the request for its data. */
import { buildMbusFrame, MbusDeframer, type MbusFrame } from '../../protocols/mbus/frame.ts';
import { buildCommand, isAnswer, type MbusCommand } from '../../protocols/mbus/link.ts';
import { type ParsedTelegram, parseTelegram } from '../../protocols/mbus/telegram.ts';
import type { Doubt, Exchange, MeterUnit } from '../line/exchange.ts';
import { loneFrameExchange, type Parsed } from '../line/framed-exchange.ts';

/** A telegram, and the primary address that the meter gave with it. */
export type MbusAnswer = Extract<ParsedTelegram, { ok: true }> & { address: number; bytes: Uint8Array };

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

function mbusExchange<T>(
  unit: MeterUnit,
  command: MbusCommand,
  parse: (frame: MbusFrame, bytes: Uint8Array) => Parsed<T>,
): Exchange<T> {
  const sent = buildMbusFrame(buildCommand(command));
  return loneFrameExchange({
    unit,
    deframer: new MbusDeframer(),
    sent,
    frame: sent,
    parse: ({ frame, bytes }) => parse(frame, bytes),
    // All that are selected by a pattern acknowledge: that tells of no second meter.
    answersToo: ({ frame }, first) => isAnswer(frame) && isAnswer(first.frame),
  });
}
