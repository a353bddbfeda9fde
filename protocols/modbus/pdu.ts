/**
 * Modbus PDUs of the two read functions, for both sides: 03 read holding registers, 04 read input registers. There is
 * no write function here. Register data is bytes as on the wire: high byte of the lowest address first.
 */

export type ReadFunction = 3 | 4;

/** The most registers that one response can carry (253 byte PDU). */
const MAX_REGISTERS = 125;

export interface ReadRequest {
  functionCode: ReadFunction;
  /** Zero-based address of the first register. */
  address: number;
  /** Registers, 1 to 125. */
  count: number;
}

/** Exception codes a server answers with. */
export const ILLEGAL_FUNCTION = 1;
export const ILLEGAL_ADDRESS = 2;
export const ILLEGAL_VALUE = 3;

export function buildRequest({ functionCode, address, count }: ReadRequest): Uint8Array {
  return Uint8Array.of(functionCode, address >>> 8, address & 0xff, count >>> 8, count & 0xff);
}

const exceptions = {
  illegal_function: ILLEGAL_FUNCTION,
  illegal_address: ILLEGAL_ADDRESS,
  illegal_value: ILLEGAL_VALUE,
};

/** What is no read of registers that there can be: the exception's name; null: it is one. */
export function readRefusal({
  functionCode,
  address,
  count,
}: {
  functionCode: number;
  address: number;
  count: number;
}): keyof typeof exceptions | null {
  if (functionCode !== 3 && functionCode !== 4) return 'illegal_function';
  if (!Number.isInteger(count) || count < 1 || count > MAX_REGISTERS) return 'illegal_value';
  if (!Number.isInteger(address) || address < 0 || address + count > 0x1_0000) return 'illegal_address';
  return null;
}

/** A request as a server reads it; a refused one names the exception to answer with (`buildException`). */
export type ParsedRequest =
  | { ok: true; request: ReadRequest }
  | {
      ok: false;
      code: 'illegal_function' | 'illegal_address' | 'illegal_value';
      functionCode: number;
      exception: number;
    };

export function parseRequest(pdu: Uint8Array): ParsedRequest {
  const functionCode = pdu[0] ?? 0;
  const request = { functionCode, address: word(pdu, 1), count: pdu.length === 5 ? word(pdu, 3) : 0 };
  const code = readRefusal(request);
  if (code !== null) return { ok: false, code, functionCode, exception: exceptions[code] };
  return { ok: true, request: { ...request, functionCode: functionCode === 3 ? 3 : 4 } };
}

/** The response that carries `data`, two bytes per register. */
export function buildResponse(functionCode: ReadFunction, data: Uint8Array): Uint8Array {
  const pdu = new Uint8Array(2 + data.length);
  pdu[0] = functionCode;
  pdu[1] = data.length;
  pdu.set(data, 2);
  return pdu;
}

export function buildException(functionCode: number, exception: number): Uint8Array {
  return Uint8Array.of(functionCode | 0x80, exception);
}

/**
 * What a client makes of a PDU that claims to answer `request`: the register bytes, the server's exception, or the
 * reason why this can be no answer to it. A view into `pdu`, not a copy.
 */
export type ParsedResponse =
  | { ok: true; data: Uint8Array }
  | { ok: false; code: 'exception'; exception: number }
  | { ok: false; code: 'wrong_function' | 'wrong_byte_count' };

export function parseResponse(pdu: Uint8Array, request: ReadRequest): ParsedResponse {
  const functionCode = pdu[0];
  if (functionCode === (request.functionCode | 0x80)) {
    if (pdu.length !== 2) return { ok: false, code: 'wrong_byte_count' };
    return { ok: false, code: 'exception', exception: pdu[1] ?? 0 };
  }
  if (functionCode !== request.functionCode) return { ok: false, code: 'wrong_function' };
  if (pdu[1] !== request.count * 2 || pdu.length !== 2 + request.count * 2) {
    return { ok: false, code: 'wrong_byte_count' };
  }
  return { ok: true, data: pdu.subarray(2) };
}

const word = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
