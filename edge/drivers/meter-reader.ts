/** Reads Modbus registers of one meter over a line, as its profile and a plan of requests say. */
import type { ModbusProfile, ProfileRegister } from '../../protocols/profile.ts';
import type { Answer, Line } from '../line/line.ts';
import {
  askAgain,
  askOptions,
  askRepeatedly,
  type DriveOptions,
  hexOf,
  type MeterRead,
  nothingRead,
  type RegisterValue,
  welcome,
} from './meter-driver.ts';
import {
  bridgeableHole,
  NO_REFUSALS,
  type PlannedRegister,
  type PlannedRequest,
  planRequests,
  type Refusals,
  requestFor,
  type WireCost,
} from './plan-requests.ts';

export type { MeterRead, RegisterValue } from './meter-driver.ts';

export interface ReadOptions extends DriveOptions {
  unit: number;
}

/** Exceptions by which a meter refuses addresses that it does not have, or so many at once. */
const ILLEGAL = new Set([2, 3]);
/** So long a register that bills nothing is left out after it was refused: it may have been a mood of the meter. */
const ABSENT_MS = 3_600_000;
/** So long no request reaches over a wall: then it is tried again. */
const WALL_MS = 86_400_000;

/** What to ask for registers that are due. */
interface Plan {
  registers: readonly ProfileRegister[];
  longestHole: number;
  requests: PlannedRequest[];
}

/** Enough for what is due together in practice. */
const MOST_PLANS = 32;

/** Of meters that refuse nothing: all of a model share them, and what they share stays at hand in the processor's cache. */
const sharedPlans = new WeakMap<ModbusProfile, Plan[]>();
function plansOf(profile: ModbusProfile): Plan[] {
  const plans = sharedPlans.get(profile) ?? [];
  sharedPlans.set(profile, plans);
  return plans;
}

export class MeterReader {
  readonly #profile: ModbusProfile;
  readonly #registers: readonly ProfileRegister[];
  /** Plans by what is asked for. */
  #plans: Plan[];
  /** What was asked last, and for which sets. */
  #latest: (Pick<DriveOptions, 'wanted' | 'alongside'> & { requests: PlannedRequest[] }) | null = null;
  #longestHole: number;
  /** When a wall was found (Unix milliseconds); null: before this process. */
  readonly #walls: Map<number, number | null>;
  /** Where a wall is to be when the meter refuses once more to be asked over it. */
  readonly #suspected = new Set<number>();
  /** Requests that the meter has answered, and the last of them: what it has it does not lack later. */
  readonly #given = new Set<number>();
  #lastGiven: PlannedRequest | null = null;
  /** When a register was refused alone (Unix milliseconds); null: before this process. */
  readonly #absent: Map<number, number | null>;
  #refusals: Refusals;
  /** What was refused alone in the read under way; null: nothing. */
  #refused: Set<number> | null = null;
  /** Whether it has walls, or lacks something: most meters do not. */
  #isRefusing = false;

  /** @param known what earlier reads of this meter have shown */
  constructor(
    profile: ModbusProfile,
    registers: readonly ProfileRegister[],
    cost: WireCost,
    known: Refusals = NO_REFUSALS,
  ) {
    this.#profile = profile;
    this.#registers = registers;
    this.#longestHole = bridgeableHole(cost);
    this.#walls = new Map(known.walls.map((address) => [address, null]));
    this.#absent = new Map(known.absent.map((address) => [address, null]));
    this.#refusals = known;
    this.#isRefusing = this.#walls.size + this.#absent.size > 0;
    this.#plans = this.#isRefusing ? [] : plansOf(profile);
  }

  /** What the meter was found to refuse so far: the same object until that changes. */
  refusals(): Refusals {
    return this.#refusals;
  }

  /** Plans anew for what the line turned out to cost. */
  adapt(cost: WireCost): void {
    const longestHole = bridgeableHole(cost);
    if (longestHole !== this.#longestHole) this.#latest = null;
    this.#longestHole = longestHole;
  }

  /** Never throws a `LineFault`: it is told in the result, after which no further request is sent. */
  async read(line: Pick<Line, 'read'>, options: ReadOptions): Promise<MeterRead> {
    const read = nothingRead();
    this.#refused = null;
    if (this.#isRefusing) this.#age(options.nowMs());
    for (const request of this.#planFor(options)) {
      if (options.isCut?.() === true) break;
      if (options.alongside !== undefined && !isRequestWanted(request, options)) continue;
      let answer: Answer | null;
      try {
        read.requests += 1;
        answer = await this.#send(line, request, options);
      } catch (error) {
        answer = await this.#sendAgain(error, line, request, options, read);
      }
      if (answer === null) break;
      if (answer.ok) this.#take(request, answer.data, options.nowMs(), read);
      else if ((await this.#halve(line, request, answer.exception, options, read)) === null) break;
    }
    // A meter that refuses everything is in a mood, and lacks nothing.
    if (read.values.length > 0) this.#noteAbsent(options);
    return read;
  }

  #noteAbsent({ nowMs }: ReadOptions): void {
    if (this.#refused === null) return;
    for (const address of this.#refused) this.#absent.set(address, nowMs());
    this.#learned();
  }

  #learned(): void {
    this.#refusals = { walls: [...this.#walls.keys()], absent: [...this.#absent.keys()] };
    this.#isRefusing = this.#walls.size + this.#absent.size > 0;
    this.#plans = [];
    this.#latest = null;
  }

  #isLeftOut({ address, billing }: ProfileRegister, nowMs: number): boolean {
    const refusedMs = this.#absent.get(address);
    if (billing || refusedMs === undefined) return false;
    if (refusedMs === null) this.#absent.set(address, nowMs);
    return Math.abs(nowMs - (refusedMs ?? nowMs)) < ABSENT_MS;
  }

  #planFor(options: ReadOptions): PlannedRequest[] {
    const { wanted, alongside } = options;
    const latest = this.#latest;
    if (latest !== null && latest.wanted === wanted && latest.alongside === alongside) return latest.requests;
    const requests = this.#plan(options);
    // The same sets ask for the same again, unless some of it is left out for a time.
    if (this.#absent.size === 0) this.#latest = { wanted, alongside, requests };
    return requests;
  }

  #plan(options: ReadOptions): PlannedRequest[] {
    const longestHole = this.#longestHole;
    const nowMs = this.#absent.size === 0 ? 0 : options.nowMs();
    const registers = welcome(this.#registers, options).filter((one) => !this.#isLeftOut(one, nowMs));
    const known = this.#plans.find((plan) => plan.longestHole === longestHole && isPlanOf(plan, registers));
    if (known !== undefined) return known.requests;
    const requests = planRequests(registers, {
      maxRegisters: this.#profile.maxRegisters,
      longestHole,
      walls: [
        ...this.#walls.keys(),
        ...[...this.#absent.keys()].flatMap((address) => [address, address + 1]),
      ],
    });
    if (this.#plans.length >= MOST_PLANS) this.#plans.shift();
    this.#plans.push({ registers, longestHole, requests });
    return requests;
  }

  /** @returns whether the meter gave all of it at once; null when there was no clean answer */
  async #readRange(
    line: Pick<Line, 'read'>,
    request: PlannedRequest,
    options: ReadOptions,
    read: MeterRead,
  ): Promise<boolean | null> {
    const ask = (): Promise<Answer> => this.#send(line, request, options);
    const answer = await askRepeatedly(ask, options.attempts, read);
    if (answer === null) return null;
    if (!answer.ok) return this.#halve(line, request, answer.exception, options, read);
    this.#take(request, answer.data, options.nowMs(), read);
    return true;
  }

  /**
   * What is refused is asked for in halves, down to what cannot be halved: so a register or hole that the meter lacks costs
   * two requests for each time that its request can be halved, once, and nothing else is lost.
   * @returns null when there was no clean answer
   */
  async #halve(
    line: Pick<Line, 'read'>,
    request: PlannedRequest,
    exception: number,
    options: ReadOptions,
    read: MeterRead,
  ): Promise<false | null> {
    const registers = request.registers.map(({ register }) => register);
    const half = halfOf(request);
    const [first, middle] = [registers[0], registers[half]];
    if (!ILLEGAL.has(exception) || first === undefined || middle === undefined || half === 0) {
      if (ILLEGAL.has(exception) && first !== undefined) {
        this.#refused ??= new Set();
        this.#refused.add(first.address);
      }
      read.failures += 1;
      read.exception = exception;
      return false;
    }
    const before = await this.#readRange(line, requestFor(registers.slice(0, half)), options, read);
    if (before === null) return null;
    const after = await this.#readRange(line, requestFor(registers.slice(half)), options, read);
    if (after === null) return null;
    // Each of them is there, but not what lies between, or not so many at once.
    if (before && after && !this.#given.has(keyOf(request))) this.#suspect(middle.address, options.nowMs());
    return false;
  }

  /** A wall is what was refused in two reads: once it may be a mood of the meter. */
  #suspect(address: number, nowMs: number): void {
    if (!this.#suspected.has(address)) {
      this.#suspected.add(address);
      return;
    }
    this.#walls.set(address, nowMs);
    this.#learned();
  }

  /** Walls of a day ago are asked over again; refused once more they stand for another. */
  #age(nowMs: number): void {
    const before = this.#walls.size;
    for (const [address, foundMs] of this.#walls) {
      if (foundMs === null) this.#walls.set(address, nowMs);
      else if (Math.abs(nowMs - foundMs) >= WALL_MS) this.#walls.delete(address);
      this.#suspected.add(address);
    }
    if (this.#walls.size < before) this.#learned();
  }

  #send(line: Pick<Line, 'read'>, { address, count }: PlannedRequest, options: ReadOptions): Promise<Answer> {
    const { functionCode, pauseMilliseconds } = this.#profile;
    return line.read(
      { unit: options.unit, functionCode, address, count },
      askOptions(options, pauseMilliseconds),
    );
  }

  #sendAgain(
    error: unknown,
    line: Pick<Line, 'read'>,
    request: PlannedRequest,
    options: ReadOptions,
    read: MeterRead,
  ): Promise<Answer | null> {
    return askAgain(error, () => this.#send(line, request, options), options.attempts, read);
  }

  #take(request: PlannedRequest, data: Uint8Array, readAtMs: number, read: MeterRead): void {
    const { registers } = request;
    if (request !== this.#lastGiven) this.#given.add(keyOf(request));
    this.#lastGiven = request;
    const hex = hexOf(data);
    const values = registers.map(({ register, offset, bytes, decode }): RegisterValue => {
      const raw = hex.slice(2 * offset, 2 * (offset + bytes));
      const { value, code } = decode(data, offset);
      return code === undefined
        ? { register, value, raw, readAtMs }
        : { register, value, code, raw, readAtMs };
    });
    read.values = read.values.length === 0 ? values : [...read.values, ...values];
    if (this.#isRefusing) this.#noteThere(registers);
  }

  /** What was answered is not absent. */
  #noteThere(registers: readonly PlannedRegister[]): void {
    const before = this.#absent.size;
    for (const { register } of registers) this.#absent.delete(register.address);
    if (this.#absent.size < before) this.#learned();
  }
}

/** Of a request: none asks for more than 125 registers. */
const keyOf = ({ address, count }: PlannedRequest): number => address * 256 + count;

/**
 * Where to halve a request, as the number of registers before: at the hole nearest the middle, since holes are what meters
 * refuse; in the middle without one. 0 when it cannot be halved.
 */
function halfOf({ registers }: PlannedRequest): number {
  const middle = registers.length / 2;
  let half = registers.length >> 1;
  let nearest = Number.POSITIVE_INFINITY;
  let end = 0;
  for (const [index, { offset, bytes }] of registers.entries()) {
    const distance = Math.abs(index - middle);
    if (index > 0 && offset > end && distance < nearest) [half, nearest] = [index, distance];
    end = Math.max(end, offset + bytes);
  }
  return half;
}

/** Whether the plan asks for those registers and no others. */
const isPlanOf = (plan: Plan, registers: readonly ProfileRegister[]): boolean =>
  plan.registers.length === registers.length &&
  registers.every((register, n) => plan.registers[n] === register);

/** Whether any of it is wanted, or all of it would only come along. */
const isRequestWanted = ({ registers }: PlannedRequest, { wanted }: ReadOptions): boolean =>
  wanted === undefined || registers.some(({ register }) => wanted.has(register.obis));
