/**
 * Child of the benchmark: meters on a pseudo terminal, at the pace of a serial line. It blocks while bytes are on the wire:
 * no timer is as exact. It tells its device file over IPC, is told which unit dies, and ends with its parent.
 */
import { buildResponse, parseRequest } from '../protocols/modbus/pdu.ts';
import { buildRtuFrame, RtuDeframer } from '../protocols/modbus/rtu-frame.ts';
import { openPtyPair } from '../simulators/meters/pty-pair.ts';

const [baudRate = 9600, turnaroundMs = 20] = process.argv.slice(2).map(Number);
const CHARACTER_MS = 10_000 / baudRate;
/** An answer is handed over in pieces, as a serial port does; the last byte comes when it is all over. */
const PIECE_BYTES = 16;
const registers = Uint8Array.from({ length: 250 }, (_, at) => at);
const sleeping = new Int32Array(new SharedArrayBuffer(4));

function sleepUntil(due: number): void {
  // The last of it is waited for awake.
  const left = due - performance.now() - 0.3;
  if (left > 0) Atomics.wait(sleeping, 0, 0, left);
  while (performance.now() < due);
}

const pty = openPtyPair();
if (pty === null) throw new Error('no pseudo terminals here');
const deframer = new RtuDeframer('requests');
const dead = new Set<unknown>();
process.on('message', (unit) => void dead.add(unit));
pty.onData((chunk) => {
  let at = performance.now();
  for (const event of deframer.push(chunk)) {
    const parsed = event.ok ? parseRequest(event.pdu) : null;
    if (!event.ok || !parsed?.ok) throw new Error('no read request');
    if (dead.has(event.unit)) continue;
    at += (event.pdu.length + 3) * CHARACTER_MS + turnaroundMs;
    const { functionCode, count } = parsed.request;
    const pdu = buildResponse(functionCode, registers.subarray(0, count * 2));
    const frame = buildRtuFrame({ unit: event.unit, pdu });
    for (let from = 0; from < frame.length; from += PIECE_BYTES) {
      const piece = frame.subarray(from, from + PIECE_BYTES);
      // The first byte of an answer comes alone: it says how long the meter took.
      if (from === 0) {
        sleepUntil(at + CHARACTER_MS);
        pty.write(piece.subarray(0, 1));
      }
      at += piece.length * CHARACTER_MS;
      sleepUntil(at);
      pty.write(from === 0 ? piece.subarray(1) : piece);
    }
  }
});
process.once('disconnect', () => process.exit());
process.send?.(pty.path);
