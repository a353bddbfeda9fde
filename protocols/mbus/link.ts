/**
 * What master and meter say on the link (EN 13757-2): reset, select, "send your data". There is no function here that
 * writes. A meter repeats its last telegram when the frame count bit (FCB) of a request is the one of the request
 * before, and goes on to the next when it has changed.
 */
import { SECONDARY_BYTES, SELECTED, secondaryAddress, secondaryBytes } from './address.ts';
import type { MbusFrame } from './frame.ts';

const SND_NKE = 0x40;
const SND_UD = 0x53;
const REQ_UD2 = 0x5b;
const FCB = 0x20;
const RSP_UD = 0x08;
/** Access demand and data flow control: bits that a meter may set in its answer. */
const RSP_FLAGS = 0x30;
const CI_SELECT = 0x52;

export type MbusCommand =
  /** The meter forgets which telegram was the last; the next request gets the first. */
  | { kind: 'reset'; address: number }
  | { kind: 'data'; address: number; fcb: boolean }
  /** Whom the pattern fits answers to address 253 from now on, and nobody else does. */
  | { kind: 'select'; pattern: string };

export function buildCommand(command: MbusCommand): MbusFrame {
  switch (command.kind) {
    case 'reset':
      return { kind: 'short', control: SND_NKE, address: command.address };
    case 'data':
      return { kind: 'short', control: command.fcb ? REQ_UD2 | FCB : REQ_UD2, address: command.address };
    case 'select':
      return {
        ...{ kind: 'long', control: SND_UD, address: SELECTED, ci: CI_SELECT },
        data: secondaryBytes(command.pattern),
      };
  }
}

/** A command as a meter hears it, or null for what it does not answer. */
export function parseCommand(frame: MbusFrame): MbusCommand | null {
  if (frame.kind === 'ack') return null;
  const { control, address } = frame;
  if (frame.kind === 'short') {
    if (control === SND_NKE) return { kind: 'reset', address };
    if ((control & ~FCB) === REQ_UD2) return { kind: 'data', address, fcb: (control & FCB) !== 0 };
    return null;
  }
  const isSelect = (control & ~FCB) === SND_UD && address === SELECTED && frame.ci === CI_SELECT;
  if (!isSelect || frame.data.length !== SECONDARY_BYTES) return null;
  return { kind: 'select', pattern: secondaryAddress(frame.data) };
}

/** @param address the meter's own primary address */
export const buildAnswer = (address: number, ci: number, data: Uint8Array): MbusFrame => ({
  ...{ kind: 'long', control: RSP_UD, address, ci, data },
});

/** Whether a frame is a meter's answer with data. */
export const isAnswer = (frame: MbusFrame): frame is Extract<MbusFrame, { kind: 'long' }> =>
  frame.kind === 'long' && (frame.control & ~RSP_FLAGS) === RSP_UD;
