/** An exchange of frames that name meter and item, as those of DL/T 645 and CJ/T 188 do. */
import { SumDeframer, type SumFrameShape, withWakeBytes } from '../protocols/sum-frame.ts';
import type { Doubt, Exchange, MeterUnit, Taken } from './exchange.ts';

export interface FramedRequest<T> {
  unit: MeterUnit;
  shape: SumFrameShape;
  frame: Uint8Array;
  /** What a frame that came is worth as an answer. */
  parse(frame: Uint8Array): { ok: true; answer: T } | { ok: false; code: Doubt };
}

/** The answer has to come alone, but for the echo of the request, which some converters and two-wire lines send first. */
export function framedExchange<T>({ unit, shape, frame, parse }: FramedRequest<T>): Exchange<T> {
  const deframer = new SumDeframer(shape);
  let echoed = false;
  return {
    unit,
    mistakableSince: () => null,
    start: () => withWakeBytes(frame),
    take(chunk) {
      let taken: Taken<T> = { state: 'partial' };
      for (const event of deframer.push(chunk)) {
        if (!event.ok) return { state: 'doubt', doubt: event.code };
        if (taken.state !== 'partial') return { state: 'doubt', doubt: 'not_alone' };
        if (!echoed && Buffer.compare(event.bytes, frame) === 0) {
          echoed = true;
          continue;
        }
        const parsed = parse(event.bytes);
        if (!parsed.ok) return { state: 'doubt', doubt: parsed.code };
        taken = { state: 'answer', answer: parsed.answer, mayFollow: false };
      }
      const isAlone = taken.state === 'partial' || deframer.pending === 0;
      return isAlone ? taken : { state: 'doubt', doubt: 'not_alone' };
    },
  };
}
