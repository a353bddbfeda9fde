/** One association with a DLMS/COSEM meter: opened, asked, released. What it gives is read; nothing is written. */
import {
  type Association,
  buildAssociationRequest,
  buildReleaseRequest,
  isReleaseResponse,
  parseAssociationResponse,
} from '../../protocols/dlms/association.ts';
import { type CosemData, isInteger } from '../../protocols/dlms/data.ts';
import {
  type Attribute,
  buildGet,
  buildGetNext,
  type Entries,
  type GetAnswer,
  judgeData,
  judgeGet,
} from '../../protocols/dlms/get.ts';
import { type Column, parseColumns, parseRows } from '../../protocols/dlms/profile-buffer.ts';
import type { Parsed } from '../line/framed-exchange.ts';
import type { DlmsTransport } from './dlms-transport.ts';

/** The value of an attribute with its bytes, or by what the meter refused it. */
export type AttributeRead = { ok: true; data: CosemData; bytes: Uint8Array } | { ok: false; error: number };

export interface ProfileRows {
  columns: Column[];
  /** Oldest first. */
  rows: CosemData[][];
}

/** No answer in blocks is longer, or has more of them. */
const MAX_DATA_BYTES = 262_144;
const MAX_BLOCKS = 2048;
const INVOKE_IDS = 16;
const PROFILE_GENERIC = 7;

/** Its methods throw `LineFault` when there is no clean answer. */
export class DlmsSession {
  readonly #transport: DlmsTransport;
  #invoke: number;
  #associated = false;

  /** @param invoke the number of the first request: with another one each time, no answer of a session before passes. */
  constructor(transport: DlmsTransport, invoke: number) {
    this.#transport = transport;
    this.#invoke = invoke % INVOKE_IDS;
  }

  /** @param password for low level security; none for lowest */
  async open(password?: string): Promise<Association> {
    await this.#transport.connect();
    const association = await this.#transport.ask<Association>(buildAssociationRequest(password), (pdu) => {
      const answer = parseAssociationResponse(pdu);
      return answer === null ? { ok: false, code: 'bad_frame' } : { ok: true, answer };
    });
    this.#associated = association.state === 'open';
    return association;
  }

  async close(): Promise<void> {
    if (this.#transport.endsAssociation) return this.#transport.disconnect();
    if (!this.#associated) return;
    await this.#transport.ask(buildReleaseRequest(), (pdu) =>
      isReleaseResponse(pdu) ? { ok: true, answer: undefined } : { ok: false, code: 'wrong_function' },
    );
  }

  /** @param entries the part of a profile's buffer that is wanted */
  async get(attribute: Attribute, entries?: Entries): Promise<AttributeRead> {
    const invoke = this.#invoke;
    this.#invoke = (invoke + 1) % INVOKE_IDS;
    const joined = new BlockJoiner();
    let request = buildGet(attribute, invoke, entries);
    for (let block: number | undefined; ; ) {
      const asked = block;
      const answer = await this.#transport.ask(request, (pdu) =>
        joined.join(judgeGet(pdu, invoke, asked === undefined ? undefined : asked + 1)),
      );
      if (answer.kind === 'data') return { ok: true, data: answer.data, bytes: answer.bytes };
      if (answer.kind === 'exception' && !answer.allowed) throw this.#transport.gone('no association');
      if (answer.kind !== 'block') return { ok: false, error: answer.error };
      block = answer.block;
      request = buildGetNext(invoke, block);
    }
  }

  /** The newest `count` entries of a load profile, or by what the meter refused to give them. */
  async newestEntries(
    obis: string,
    count: number,
  ): Promise<({ ok: true } & ProfileRows) | { ok: false; error: number | null }> {
    const attribute = (number: number): Attribute => ({ classId: PROFILE_GENERIC, obis, attribute: number });
    const captured = await this.get(attribute(3));
    if (!captured.ok) return captured;
    const columns = parseColumns(captured.data);
    const used = await this.get(attribute(7));
    if (!used.ok) return used;
    if (columns === null || !isInteger(used.data)) return { ok: false, error: null };
    const to = parseInt(used.data.value.toString(), 10);
    if (to === 0) return { ok: true, columns, rows: [] };
    const buffer = await this.get(attribute(2), {
      from: Math.max(1, to - count + 1),
      to,
      columns: columns.length,
    });
    if (!buffer.ok) return buffer;
    const rows = parseRows(buffer.data, columns.length);
    return rows === null ? { ok: false, error: null } : { ok: true, columns, rows };
  }
}

/** Joins the blocks of an answer: the last one makes the data whole. */
class BlockJoiner {
  #parts: Uint8Array[] = [];
  #length = 0;

  join(judged: Parsed<GetAnswer>): Parsed<GetAnswer> {
    if (!judged.ok || judged.answer.kind !== 'block') return judged;
    const { bytes, last } = judged.answer;
    this.#parts.push(bytes);
    this.#length += bytes.length;
    if (last) return judgeData(Uint8Array.from(this.#parts.flatMap((part) => [...part])));
    const isTooLong = this.#length > MAX_DATA_BYTES || this.#parts.length > MAX_BLOCKS;
    return isTooLong ? { ok: false, code: 'wrong_byte_count' } : judged;
  }
}
