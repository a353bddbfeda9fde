/** One hostile meter on M-Bus: it plays the turns of a behaviour until it is told to behave. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isSelected, SELECTED } from '../../protocols/mbus/address.ts';
import { buildHeader } from '../../protocols/mbus/build-records.ts';
import { buildMbusFrame, MbusDeframer } from '../../protocols/mbus/frame.ts';
import { buildAnswer, type MbusCommand, parseCommand } from '../../protocols/mbus/link.ts';
import type { MbusAnswerChange, MbusBehaviour, MbusStep } from './mbus-behaviour.ts';

export const HOSTILE_PRIMARY = 1;
export const HOSTILE_SECONDARY = '0147807742042002';

const ANSWER_LONG_HEADER = 0x72;
/** Import 123456.78 kWh and "more follows"; then voltage 230.25 V and power 1500 W. */
const TELEGRAMS = ['0e04785634120000' + '1f', '04fd47' + 'f1590000' + '042b' + 'dc050000'];
const ACK = Uint8Array.of(0xe5);

export class HostileMbusMeter {
  readonly #behaviour: MbusBehaviour;
  readonly #send: (bytes: Uint8Array) => void;
  readonly #deframer = new MbusDeframer();
  #behaving = false;
  #resets = 0;
  #requests = 0;
  #accessNumber = 0;
  #selected = false;
  #last: { fcb: boolean; part: number } | null = null;
  #telegram: Uint8Array = new Uint8Array(0);

  /** @param send to whoever is on the line by then */
  constructor(behaviour: MbusBehaviour, send: (bytes: Uint8Array) => void) {
    this.#behaviour = behaviour;
    this.#send = send;
  }

  /** From now on it does what a meter should. */
  behave(): void {
    this.#behaving = true;
  }

  hear(chunk: Uint8Array): void {
    for (const event of this.#deframer.push(chunk)) {
      const command = event.ok ? parseCommand(event.frame) : null;
      if (event.ok && command !== null && this.#isMeant(command)) void this.#play(command, event.bytes);
    }
  }

  #isMeant(command: MbusCommand): boolean {
    if (command.kind === 'select') {
      this.#selected = isSelected(command.pattern, HOSTILE_SECONDARY);
      return this.#selected;
    }
    return command.address === HOSTILE_PRIMARY || (command.address === SELECTED && this.#selected);
  }

  async #play(command: MbusCommand, request: Uint8Array): Promise<void> {
    const previous = this.#telegram;
    const isData = command.kind === 'data';
    if (isData) this.#turnTo(command.fcb);
    else this.#last = null;
    const answer = isData ? this.#frame() : ACK;
    if (isData) this.#telegram = answer;
    let piece: Uint8Array[] = [];
    let gapMs = 0;
    const flush = async (): Promise<void> => {
      const bytes = Buffer.concat(piece);
      piece = [];
      if (gapMs === 0) return bytes.length > 0 ? this.#send(bytes) : undefined;
      for (const byte of bytes) {
        this.#send(Uint8Array.of(byte));
        await sleep(gapMs);
      }
    };
    for (const step of this.#steps(isData)) {
      if (typeof step === 'object' && 'byteGapMilliseconds' in step) gapMs = step.byteGapMilliseconds;
      else if (typeof step === 'object' && !('answer' in step) && !('raw' in step)) {
        await flush();
        await sleep(this.#waitOf(step));
      } else piece.push(this.#bytesOf(step, { answer, previous, request }));
    }
    await flush();
  }

  #steps(isData: boolean): readonly MbusStep[] {
    if (this.#behaving) return ['answer'];
    const { turns, resets } = this.#behaviour;
    if (isData) return turns[this.#requests++ % turns.length] ?? [];
    return resets[this.#resets++ % resets.length] ?? [];
  }

  /** The next telegram when the frame count bit has changed, else the same again. */
  #turnTo(fcb: boolean): void {
    if (this.#last?.fcb === fcb) return;
    const part = this.#last === null ? 0 : (this.#last.part + 1) % TELEGRAMS.length;
    this.#last = { fcb, part };
    this.#accessNumber += 1;
  }

  #waitOf(step: { waitMilliseconds: number } | { waitTimeouts: number }): number {
    return 'waitTimeouts' in step
      ? step.waitTimeouts * this.#behaviour.timeoutMilliseconds
      : step.waitMilliseconds;
  }

  #bytesOf(
    step: Exclude<
      MbusStep,
      { waitMilliseconds: number } | { waitTimeouts: number } | { byteGapMilliseconds: number }
    >,
    { answer, previous, request }: { answer: Uint8Array; previous: Uint8Array; request: Uint8Array },
  ): Uint8Array {
    switch (step) {
      case 'answer':
        return answer;
      case 'ack':
        return ACK;
      case 'echo':
        return request;
      case 'previous':
        return previous;
      default:
        return 'raw' in step ? Buffer.from(step.raw, 'hex') : this.#frame(step.answer);
    }
  }

  #frame(change: MbusAnswerChange = {}): Uint8Array {
    const { address = HOSTILE_PRIMARY, secondary = HOSTILE_SECONDARY, ci = ANSWER_LONG_HEADER } = change;
    const records = Buffer.from(change.records ?? TELEGRAMS[this.#last?.part ?? 0] ?? '', 'hex');
    const data =
      change.data === undefined
        ? Buffer.concat([buildHeader(secondary, { accessNumber: this.#accessNumber }), records])
        : Buffer.from(change.data, 'hex');
    const frame = buildMbusFrame(buildAnswer(address, ci, data));
    for (const [at, more] of (change.lengths ?? []).entries()) frame[1 + at] = (frame[1 + at] ?? 0) + more;
    if (change.badChecksum) frame[frame.length - 2] = (frame.at(-2) ?? 0) ^ 0xff;
    return change.bytes === undefined ? frame : frame.subarray(...change.bytes);
  }
}
