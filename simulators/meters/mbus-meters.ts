/** Simulated meters on M-Bus: they are reset, selected and read, and hear nothing else. */
import { ANY_PRIMARY, isSelected, SELECTED } from '../../protocols/mbus/address.ts';
import { buildHeader, buildRecord } from '../../protocols/mbus/build-records.ts';
import { buildMbusFrame, MbusDeframer, type MbusFrame } from '../../protocols/mbus/frame.ts';
import { buildAnswer, type MbusCommand, parseCommand } from '../../protocols/mbus/link.ts';
import type { MbusProfile } from '../../protocols/profile.ts';
import type { MeterValues } from './framed-meters.ts';
import type { Hear } from './transparent-line.ts';

export interface MbusMeter {
  /** The frame that answers a command on the line, or null. */
  answer(command: MbusCommand): MbusFrame | null;
}

export interface MbusMeterOptions {
  profile: MbusProfile;
  primary: number;
  /** 16 hex digits; see `protocols/mbus/address.ts`. */
  secondary: string;
  values: MeterValues;
  /** A meter with more of them tells them in several telegrams. */
  recordsPerTelegram?: number;
}

const ANSWER_LONG_HEADER = 0x72;
const MORE_FOLLOW = 0x1f;

export function mbusMeter({
  profile,
  primary,
  secondary,
  values,
  recordsPerTelegram = 12,
}: MbusMeterOptions): MbusMeter {
  const parts = Math.max(Math.ceil(profile.registers.length / recordsPerTelegram), 1);
  let accessNumber = 0;
  let selected = false;
  /** The frame count bit of the last request, and which telegram it got; kept apart for both ways to address it. */
  const last = new Map<number, { fcb: boolean; part: number; data: Uint8Array }>();

  const telegram = (part: number): Uint8Array => {
    const some = profile.registers.slice(part * recordsPerTelegram, (part + 1) * recordsPerTelegram);
    const records = some.flatMap((register) => {
      const value = values(register.obis);
      return value === undefined ? [] : [buildRecord(register, value)];
    });
    accessNumber += 1;
    const more = part < parts - 1 ? [MORE_FOLLOW] : [];
    return Buffer.concat([buildHeader(secondary, { accessNumber }), ...records, Uint8Array.from(more)]);
  };
  const data = (address: number, fcb: boolean): Uint8Array => {
    const before = last.get(address);
    if (before?.fcb === fcb) return before.data;
    const part = before === undefined ? 0 : (before.part + 1) % parts;
    const next = telegram(part);
    last.set(address, { fcb, part, data: next });
    return next;
  };

  return {
    answer(command) {
      if (command.kind === 'select') {
        selected = isSelected(command.pattern, secondary);
        last.delete(SELECTED);
        return selected ? { kind: 'ack' } : null;
      }
      const { address } = command;
      const isMeant = address === primary || address === ANY_PRIMARY || (address === SELECTED && selected);
      if (!isMeant) return null;
      if (command.kind === 'data')
        return buildAnswer(primary, ANSWER_LONG_HEADER, data(address, command.fcb));
      last.delete(address);
      if (address === SELECTED) selected = false;
      return { kind: 'ack' };
    },
  };
}

/** One line with all these meters on it: takes what is heard, gives what is said. */
export function mbusLine(meters: readonly MbusMeter[]): Hear {
  const deframer = new MbusDeframer();
  return (chunk) =>
    deframer
      .push(chunk)
      .map((event) => (event.ok ? parseCommand(event.frame) : null))
      .filter((command) => command !== null)
      .flatMap((command) => meters.map((meter) => meter.answer(command)))
      .filter((frame) => frame !== null)
      .map(buildMbusFrame);
}
