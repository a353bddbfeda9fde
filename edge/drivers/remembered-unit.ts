/**
 * One unit on a line, and what it has answered so far: what is known is not asked again. Models that lie alike then cost
 * the bus the requests of one. For as long as a look at a meter takes, not for polling.
 */
import { type AskOptions, type Line, LineFault } from '../line/line.ts';

/** What is asked of a unit, and how it answers: as on a line. */
type UnitRequest = Parameters<Line['read']>[0];
type Answer = Awaited<ReturnType<Line['read']>>;

/** A range that gave no data. A longer one around it gives none either. */
interface Refusal {
  functionCode: 3 | 4;
  from: number;
  end: number;
  /** The meter's exception, or the fault of the line. */
  reason: number | LineFault;
}

/** "Illegal function": whatever the addresses are. */
const ILLEGAL_FUNCTION = 1;
/** Refusals that asking again would not change. */
const LASTING = new Set([ILLEGAL_FUNCTION, 2, 3]);

export class RememberedUnit implements Pick<Line, 'read'> {
  readonly #line: Pick<Line, 'read'>;
  /** Data bytes of a register, by function code and address. */
  readonly #registers = new Map<number, Uint8Array>();
  readonly #refusals: Refusal[] = [];

  constructor(line: Pick<Line, 'read'>) {
    this.#line = line;
  }

  /** @throws LineFault as the line does; again for a range that was silent before */
  async read(request: UnitRequest, options?: AskOptions): Promise<Answer> {
    const known = this.#known(request);
    if (known !== null) return { ok: true, data: known };
    const refusal = this.#refusals.find((one) => covers(request, one));
    if (refusal?.reason instanceof LineFault) throw refusal.reason;
    if (refusal !== undefined) return { ok: false, exception: refusal.reason };
    try {
      const answer = await this.#line.read(request, options);
      if (answer.ok) this.#learn(request, answer.data);
      else if (LASTING.has(answer.exception)) this.#refuse(request, answer.exception);
      return answer;
    } catch (error) {
      if (error instanceof LineFault && error.code === 'timeout') this.#refuse(request, error);
      throw error;
    }
  }

  #known({ functionCode, address, count }: UnitRequest): Uint8Array | null {
    const data = new Uint8Array(count * 2);
    for (let i = 0; i < count; i++) {
      const register = this.#registers.get(key(functionCode, address + i));
      if (register === undefined) return null;
      data.set(register, i * 2);
    }
    return data;
  }

  #learn({ functionCode, address, count }: UnitRequest, data: Uint8Array): void {
    for (let i = 0; i < count; i++)
      this.#registers.set(key(functionCode, address + i), data.slice(i * 2, i * 2 + 2));
  }

  #refuse({ functionCode, address, count }: UnitRequest, reason: number | LineFault): void {
    this.#refusals.push({ functionCode, from: address, end: address + count, reason });
  }
}

const key = (functionCode: number, address: number): number => functionCode * 0x1_0000 + address;

const covers = ({ functionCode, address, count }: UnitRequest, refusal: Refusal): boolean =>
  functionCode === refusal.functionCode &&
  (refusal.reason === ILLEGAL_FUNCTION || (address <= refusal.from && refusal.end <= address + count));
