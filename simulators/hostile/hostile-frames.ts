/** Frames as a hostile device sends them: right ones, and ones that are wrong in the ways that a behaviour names. Pure. */
import { buildException, parseRequest, type ReadRequest } from '../../protocols/modbus/pdu.ts';
import { buildRtuFrame } from '../../protocols/modbus/rtu-frame.ts';
import { buildTcpFrame } from '../../protocols/modbus/tcp-frame.ts';
import type { AnswerChange } from './behaviour.ts';

/** A request as the device heard it. `transaction` is null on RTU. */
export interface HeardRequest {
  unit: number;
  transaction: number | null;
  pdu: Uint8Array;
}

/** The meter's registers: import 123456.78 kWh (u32), voltage 230.25 V (f32), total 87654.32 m3 (bcd32). */
const FIRST_ADDRESS = 10;
const IMAGE = Buffer.from('00bc614e' + '43664000' + '08765432', 'hex');

/** Registers beyond the image read as zero. */
function registersAt({ address, count }: ReadRequest, registers = 0): Uint8Array {
  const data = new Uint8Array(Math.max(count + registers, 0) * 2);
  for (let i = 0; i < data.length; i++) data[i] = IMAGE[(address - FIRST_ADDRESS) * 2 + i] ?? 0;
  return data;
}

/** The answer to `heard`, with what `change` makes of it; a request that is no read is answered as the standard says. */
export function answerFrame(heard: HeardRequest, change: AnswerChange = {}): Uint8Array {
  const pdu = answerPdu(heard.pdu, change);
  const unit = change.unit ?? heard.unit;
  const frame =
    heard.transaction === null
      ? buildRtuFrame({ unit, pdu })
      : buildTcpFrame({
          transaction: (change.transaction ?? heard.transaction + (change.transactionOffset ?? 0)) & 0xffff,
          unit,
          pdu,
        });
  if (heard.transaction === null) {
    if (change.badCrc) frame[frame.length - 1] = (frame.at(-1) ?? 0) ^ 0xff;
  } else {
    const view = new DataView(frame.buffer);
    if (change.protocol !== undefined) view.setUint16(2, change.protocol);
    if (change.length !== undefined) view.setUint16(4, change.length);
  }
  return change.bytes === undefined ? frame : frame.subarray(...change.bytes);
}

/** The request again, as an adapter that hears itself gives it back. */
export function echoFrame({ unit, transaction, pdu }: HeardRequest): Uint8Array {
  return transaction === null ? buildRtuFrame({ unit, pdu }) : buildTcpFrame({ transaction, unit, pdu });
}

function answerPdu(request: Uint8Array, change: AnswerChange): Uint8Array {
  const parsed = parseRequest(request);
  if (!parsed.ok) return buildException(parsed.functionCode, parsed.exception);
  const { functionCode, address, count } = parsed.request;
  if (change.exception !== undefined) return buildException(functionCode, change.exception);
  const from = { functionCode, count, address: address + (change.addressOffset ?? 0) };
  const data =
    change.data === undefined ? registersAt(from, change.registers) : Buffer.from(change.data, 'hex');
  return Uint8Array.of(
    change.functionCode ?? functionCode,
    (data.length + (change.byteCount ?? 0)) & 0xff,
    ...data,
  );
}
