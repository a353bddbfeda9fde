/** Exchanges of frames that name the meter, as those of DL/T 645, CJ/T 188, M-Bus and DLMS do. */
import { SumDeframer, type SumFrameShape, withWakeBytes } from '../../protocols/sum-frame.ts';
import type { Alarm, Doubt, Exchange, MeterUnit, Taken } from './exchange.ts';

/** What a frame that came is worth as an answer. */
export type Parsed<T> = { ok: true; answer: T } | { ok: false; code: Doubt };

/** Cuts what comes into frames of the form `F`. */
export interface Deframer<F extends { bytes: Uint8Array }> {
  push(chunk: Uint8Array): (({ ok: true } & F) | { ok: false; code: Doubt })[];
  /** Bytes held back for a frame that is not whole yet. */
  readonly pending: number;
}

export interface LoneFrameRequest<T, F extends { bytes: Uint8Array }> {
  unit: MeterUnit;
  deframer: Deframer<F>;
  /** The request as it is sent. */
  sent: Uint8Array;
  /** The request as the deframer would hand it out. */
  frame: Uint8Array;
  parse(frame: F): Parsed<T>;
  /** Whether a frame that came after the answer answers the same request: then a second meter has this address, or one said it twice. */
  answersToo(frame: F, first: F): boolean;
}

/** The answer has to come alone, but for the echo of the request, which some converters and two-wire lines send first. */
export function loneFrameExchange<T, F extends { bytes: Uint8Array }>({
  unit,
  deframer,
  sent,
  frame,
  parse,
  answersToo,
}: LoneFrameRequest<T, F>): Exchange<T> {
  let echoed = false;
  let first: F | null = null;
  const alarmOf = (events: ReturnType<typeof deframer.push>): Alarm | undefined => {
    for (const event of events) {
      if (first === null || !event.ok || !answersToo(event, first)) continue;
      const isSame = Buffer.compare(event.bytes, first.bytes) === 0;
      return { kind: isSame ? 'duplicate' : 'second_slave', unit };
    }
    return undefined;
  };
  return {
    unit,
    mistakableSince: () => null,
    start: () => sent,
    take(chunk) {
      let taken: Taken<T> = { state: 'partial' };
      const events = deframer.push(chunk);
      for (const [at, event] of events.entries()) {
        if (!event.ok) return { state: 'doubt', doubt: event.code };
        if (taken.state !== 'partial') return notAlone(alarmOf(events.slice(at)));
        if (!echoed && Buffer.compare(event.bytes, frame) === 0) {
          echoed = true;
          continue;
        }
        const parsed = parse(event);
        if (!parsed.ok) return { state: 'doubt', doubt: parsed.code };
        taken = { state: 'answer', answer: parsed.answer, mayFollow: false };
        first = event;
      }
      return taken.state === 'partial' || deframer.pending === 0 ? taken : notAlone(undefined);
    },
    stray(chunk) {
      const alarm = alarmOf(deframer.push(chunk));
      return alarm === undefined ? { harmless: false } : { harmless: false, alarm };
    },
  };
}

const notAlone = (alarm: Alarm | undefined): Taken<never> =>
  alarm === undefined
    ? { state: 'doubt', doubt: 'not_alone' }
    : { state: 'doubt', doubt: 'not_alone', alarm };

export interface FramedRequest<T> {
  unit: MeterUnit;
  shape: SumFrameShape;
  frame: Uint8Array;
  parse(frame: Uint8Array): Parsed<T>;
}

/** An exchange of frames with a sum, which wake bytes go before. */
export function framedExchange<T>({ unit, shape, frame, parse }: FramedRequest<T>): Exchange<T> {
  return loneFrameExchange({
    unit,
    deframer: new SumDeframer(shape),
    sent: withWakeBytes(frame),
    frame,
    parse: ({ bytes }) => parse(bytes),
    answersToo: ({ bytes }) => parse(bytes).ok,
  });
}
