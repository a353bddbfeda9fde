/** Reads the days and months that a Modbus meter froze, as its profile says. */
import { parseDecimal } from '../../protocols/decimal.ts';
import type { FrozenValue } from '../../protocols/frozen-value.ts';
import {
  blockAddress,
  blockWords,
  decodeBlock,
  type FrozenRegister,
  type ModbusHistory,
} from '../../protocols/modbus/frozen-history.ts';
import { registerDecoder, registerWords } from '../../protocols/modbus/registers.ts';
import type { ModbusProfile } from '../../protocols/profile.ts';
import { MICRO_SCALE } from '../../protocols/units.ts';
import { askOptions, askRepeatedly } from '../drivers/meter-driver.ts';
import type { LineUse } from '../line/line.ts';
import { FrozenSearch, type HistoryOptions, type ReadHistory } from './frozen-search.ts';

const SCALE_DIGITS = 12;

export function modbusHistory(profile: ModbusProfile, history: ModbusHistory, unit: number): ReadHistory {
  return async (line, options) => {
    const search = new FrozenSearch(profile.registers, options);
    await new BlockReader(profile, history, unit, line, options, search).run();
    return search.read;
  };
}

class BlockReader {
  readonly #profile: ModbusProfile;
  readonly #history: ModbusHistory;
  readonly #unit: number;
  readonly #line: LineUse;
  readonly #options: HistoryOptions;
  readonly #search: FrozenSearch;

  constructor(
    profile: ModbusProfile,
    history: ModbusHistory,
    unit: number,
    line: LineUse,
    options: HistoryOptions,
    search: FrozenSearch,
  ) {
    this.#profile = profile;
    this.#history = history;
    this.#unit = unit;
    this.#line = line;
    this.#options = options;
    this.#search = search;
  }

  async run(): Promise<void> {
    const registers: FrozenRegister[] = [];
    for (const register of this.#history.registers)
      if (this.#search.wants(register.obis) && (await this.#holds(register))) registers.push(register);
    const multiplier = registers.length === 0 ? null : await this.#multiplier();
    if (multiplier === null) return;
    for (const series of this.#history.series) {
      const trusted = await this.#readSeries(series, registers, multiplier);
      this.#search.endSeries();
      if (!trusted || this.#search.read.fault !== null) return;
    }
  }

  /** Whether what is frozen is this register and nothing else: the other one has never counted. */
  async #holds({ obis, unless }: FrozenRegister): Promise<boolean> {
    if (unless === undefined) return true;
    const other = this.#profile.registers.find((register) => register.obis === unless);
    const data = other && (await this.#words(other.address, registerWords(other.type)));
    const value = other && data ? registerDecoder(other)(data, 0).value : null;
    if (value === 0n) return true;
    if (value !== null) this.#search.note(`${obis} is frozen together with ${unless}, which has counted`);
    return false;
  }

  async #multiplier(): Promise<bigint | null> {
    let product = 1n;
    for (const address of this.#history.multipliers) {
      const data = await this.#words(address, 1);
      if (data === null) return null;
      const factor = ((data[0] ?? 0) << 8) | (data[1] ?? 0);
      if (factor === 0 || factor === 0xffff) {
        this.#search.note(`multiplier ${factor} at address ${address}`);
        return null;
      }
      product *= BigInt(factor);
    }
    return product;
  }

  /** @returns whether the times of its records can be believed: those of another series are made in the same way */
  async #readSeries(
    series: ModbusHistory['series'][number],
    registers: readonly FrozenRegister[],
    multiplier: bigint,
  ): Promise<boolean> {
    let newer: Temporal.PlainDateTime | null = null;
    for (let back = 1; back <= series.count; back++) {
      const bytes = await this.#words(blockAddress(series, back), blockWords(registers));
      if (bytes === null) return true;
      const block = decodeBlock(registers, bytes, multiplier);
      if (!block.ok) {
        if (block.code === 'bad_time') this.#search.note(`${series.every} ${back} has no time`);
        return block.code === 'empty';
      }
      const follows =
        newer === null
          ? this.#search.isCurrent(block.at, series.every)
          : Temporal.PlainDateTime.compare(block.at, newer) < 0;
      if (!follows) {
        this.#search.note(`${series.every} ${back} is of ${block.at}: not taken`);
        return false;
      }
      newer = block.at;
      const place = this.#search.place(block.at);
      if (place === 'before') return true;
      if (place === 'inside')
        this.#search.take({ ...block, values: block.values.map((value) => this.#asShown(value)) });
    }
    return true;
  }

  /** Cut down to the resolution of the register that is polled: beside its values a finer one would seem to run ahead. */
  #asShown(value: FrozenValue): FrozenValue {
    const polled = this.#profile.registers.find(({ obis }) => obis === value.obis);
    if (polled === undefined || value.decoded.value === null || /^f/.test(polled.type)) return value;
    const step = parseDecimal(polled.scale, SCALE_DIGITS) / 10n ** BigInt(SCALE_DIGITS - MICRO_SCALE);
    const exact = value.decoded.value;
    return { ...value, decoded: { value: step > 1n ? exact - (exact % step) : exact } };
  }

  async #words(address: number, count: number): Promise<Uint8Array | null> {
    const { read } = this.#search;
    const { functionCode, pauseMilliseconds } = this.#profile;
    const request = { unit: this.#unit, functionCode, address, count };
    const answer = await askRepeatedly(
      () => this.#line.read(request, askOptions(this.#options, pauseMilliseconds)),
      this.#options.attempts,
      read,
    );
    if (answer === null) return null;
    if (answer.ok) return answer.data;
    read.failures += 1;
    read.exception = answer.exception;
    this.#search.note(`address ${address}: exception ${answer.exception}`);
    return null;
  }
}
