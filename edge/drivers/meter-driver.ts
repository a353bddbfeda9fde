/** What it takes to read a meter, whatever its protocol: one implementation per protocol, opened by `openDriver`. */
import type { Decoded } from '../../protocols/modbus/registers.ts';
import type { Obis } from '../../protocols/obis.ts';
import type { ReadingCode } from '../../protocols/reading.ts';
import { formatMicro, type Unit } from '../../protocols/units.ts';
import { type AskOptions, LineFault, type LineUse, type Priority } from '../line/line.ts';
import type { Refusals } from './plan-requests.ts';

/** A register of a profile, as far as it does not depend on the protocol. */
export interface MeterRegister {
  obis: Obis;
  name: string;
  unit: Unit;
  billing: boolean;
}

export interface RegisterValue {
  register: MeterRegister;
  /** Decimal in the register's unit, or null with its code. */
  value: string | null;
  code?: ReadingCode;
  /** Hex of the bytes it was decoded from. */
  raw: string;
  readAtMs: number;
}

export interface MeterRead {
  values: RegisterValue[];
  /** Requests sent, repeats included. */
  requests: number;
  /** Requests that gave no value: refused by the meter, or without a clean answer. */
  failures: number;
  /** By what the meter refused last: a Modbus exception, or the error byte or status of its own protocol. */
  exception: number | null;
  /** What ended the read early: values got before it are good. */
  fault: LineFault | null;
}

export interface DriveOptions {
  nowMs: () => number;
  /** How often one request is sent at most. */
  attempts: number;
  /** Whether to give the meter the rests that its model needs. */
  pauses: boolean;
  /** OBIS codes to read; all when not given. */
  wanted?: ReadonlySet<string> | undefined;
  /** Those that are taken where they come cheaply along with a wanted one; none when not given. */
  alongside?: ReadonlySet<string> | undefined;
  /** Looked at before each request: nothing more is asked once it says so. */
  isCut?: (() => boolean) | undefined;
  /** `live` when a person waits; `poll` when not given. */
  priority?: Priority;
}

/** What asking a meter who it is came to; no values. */
export interface IdentityRead extends MeterRead {
  /** Null when it could not be had now. */
  identity: string | null;
}

/** Reads the registers it was opened for of one meter. */
export interface MeterDriver {
  /** Never throws a `LineFault`: it is told in the result, after which no further request is sent. */
  read(line: LineUse, options: DriveOptions): Promise<MeterRead>;
  /** Asks which meter it is; not there where each answer names the meter, or nothing tells it from others. */
  identify?(line: LineUse, options: DriveOptions): Promise<IdentityRead>;
  /** What the meter was found to refuse so far; only where it is asked for addresses. */
  refusals?(): Refusals;
}

/** Whether anything of it is to be read. */
export const isWanted = (
  registers: readonly MeterRegister[],
  { wanted }: Pick<DriveOptions, 'wanted'>,
): boolean => wanted === undefined || registers.some(({ obis }) => wanted.has(obis));

/** What is read, or taken where it comes along. */
export const welcome = <R extends MeterRegister>(
  registers: readonly R[],
  { wanted, alongside }: Pick<DriveOptions, 'wanted' | 'alongside'>,
): R[] =>
  registers.filter(({ obis }) => wanted === undefined || wanted.has(obis) || alongside?.has(obis) === true);

/** @param pauseMilliseconds the rest that the meter's model needs before a request */
export function askOptions({ pauses, priority = 'poll' }: DriveOptions, pauseMilliseconds = 0): AskOptions {
  return { pauseMilliseconds: pauses ? pauseMilliseconds : 0, priority };
}

export const nothingRead = (): MeterRead => ({
  values: [],
  requests: 0,
  failures: 0,
  exception: null,
  fault: null,
});

/**
 * Asks until there is a clean answer, `attempts` times at most, and counts into `read`.
 * @returns null when there was none: `read.fault` says why
 */
export function askRepeatedly<T>(
  ask: () => Promise<T>,
  attempts: number,
  read: MeterRead,
): Promise<T | null> {
  read.requests += 1;
  return ask().catch((error: unknown) => askAgain(error, ask, attempts, read));
}

/** As `askRepeatedly`, after the first of the attempts has failed. @throws error unless it is a `LineFault` */
export async function askAgain<T>(
  error: unknown,
  ask: () => Promise<T>,
  attempts: number,
  read: MeterRead,
): Promise<T | null> {
  if (!(error instanceof LineFault)) throw error;
  read.failures += 1;
  if (attempts > 1 && error.code !== 'unreachable') return askRepeatedly(ask, attempts - 1, read);
  read.fault = error;
  return null;
}

/** @param bytes those that it was decoded from, as on the wire, or their hex */
export function registerValue(
  register: MeterRegister,
  decoded: Decoded,
  bytes: Uint8Array | string,
  readAtMs: number,
): RegisterValue {
  const raw = typeof bytes === 'string' ? bytes : hexOf(bytes);
  return decoded.value === null
    ? { register, value: null, code: decoded.code, raw, readAtMs }
    : { register, value: formatMicro(decoded.value), raw, readAtMs };
}

export const hexOf = (bytes: Uint8Array): string => bytes.toHex();
