/** Reads Modbus registers of one meter over a line, as its profile and a plan of requests say. */
import { registerDecoder } from '../protocols/modbus/registers.ts';
import type { ModbusProfile, ProfileRegister } from '../protocols/profile.ts';
import type { Answer, Line } from './line.ts';
import {
  askRepeatedly,
  type DriveOptions,
  type MeterRead,
  nothingRead,
  registerValue,
} from './meter-driver.ts';
import { bridgeableHole, type PlannedRequest, planRequests, type WireCost } from './plan-requests.ts';

export type { MeterRead, RegisterValue } from './meter-driver.ts';

export interface ReadOptions extends DriveOptions {
  unit: number;
}

/** Exceptions by which a meter refuses addresses that it does not have. */
const ILLEGAL = new Set([2, 3]);

export class MeterReader {
  readonly #profile: ModbusProfile;
  readonly #decoders: Map<ProfileRegister, ReturnType<typeof registerDecoder>>;
  #plan: PlannedRequest[] = [];
  #longestHole = -1;
  /** Whether the plan goes around what the meter refused: it then stays as it is. */
  #learned = false;

  constructor(profile: ModbusProfile, registers: readonly ProfileRegister[], cost: WireCost) {
    this.#profile = profile;
    this.#decoders = new Map(registers.map((register) => [register, registerDecoder(register)]));
    this.adapt(cost);
  }

  /** Plans anew for what the line turned out to cost. */
  adapt(cost: WireCost): void {
    const longestHole = bridgeableHole(cost);
    if (this.#learned || longestHole === this.#longestHole) return;
    this.#longestHole = longestHole;
    const { maxRegisters } = this.#profile;
    this.#plan = planRequests([...this.#decoders.keys()], { maxRegisters, longestHole });
  }

  /** Never throws a `LineFault`: it is told in the result, after which no further request is sent. */
  async read(line: Pick<Line, 'read'>, options: ReadOptions): Promise<MeterRead> {
    const read = nothingRead();
    const wanted = options.wanted ?? (() => true);
    const queue = [...this.#plan];
    for (let request = queue.shift(); request !== undefined; request = queue.shift()) {
      if (!request.registers.some(({ register }) => wanted(register.obis))) continue;
      const answer = await this.#ask(line, request, options, read);
      if (answer === null) return read;
      if (answer.ok) {
        this.#decode(request, answer.data, options.nowMs(), read);
      } else if (request.registers.length > 1 && ILLEGAL.has(answer.exception)) {
        queue.unshift(...this.#split(request));
      } else {
        read.failures += 1;
        read.exception = answer.exception;
      }
    }
    read.values = read.values.filter(({ register }) => wanted(register.obis));
    return read;
  }

  #ask(
    line: Pick<Line, 'read'>,
    { address, count }: PlannedRequest,
    { unit, pauses, attempts }: ReadOptions,
    read: MeterRead,
  ): Promise<Answer | null> {
    const { functionCode, pauseMilliseconds } = this.#profile;
    const asking = { pauseMilliseconds: pauses ? pauseMilliseconds : 0 };
    return askRepeatedly(() => line.read({ unit, functionCode, address, count }, asking), attempts, read);
  }

  #decode(request: PlannedRequest, data: Uint8Array, readAtMs: number, read: MeterRead): void {
    for (const { register, offset, bytes } of request.registers) {
      const decoded = this.#decoders.get(register)?.(data, offset);
      if (decoded === undefined) continue;
      read.values.push(registerValue(register, decoded, data.subarray(offset, offset + bytes), readAtMs));
    }
  }

  /** The meter lacks something in this request: from now on it is asked around its holes, or else in halves. */
  #split({ bridges, registers }: PlannedRequest): PlannedRequest[] {
    this.#learned = true;
    const { maxRegisters } = this.#profile;
    const plan = (part: PlannedRequest['registers'], longestHole: number): PlannedRequest[] =>
      planRequests(
        part.map(({ register }) => register),
        { maxRegisters, longestHole },
      );
    const half = registers.length >> 1;
    const pieces = bridges
      ? plan(registers, 0)
      : [...plan(registers.slice(0, half), 0), ...plan(registers.slice(half), 0)];
    this.#plan = this.#plan.flatMap((planned) => (planned.registers === registers ? pieces : [planned]));
    return pieces;
  }
}
