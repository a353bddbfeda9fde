/** Meters on a serial line: Modbus RTU on one end of a pseudo terminal pair. */
import { buildRtuFrame, RtuDeframer } from '../../protocols/modbus/rtu-frame.ts';
import type { Answer } from './bus-meters.ts';
import { openPtyPair } from './pty-pair.ts';

export interface SerialLine {
  readonly path: string;
  close(): void;
}

/** Null where there are no pseudo terminals. A unit that is not on the line stays silent, as does one that hears noise. */
export function startSerialLine(answer: Answer): SerialLine | null {
  const pair = openPtyPair();
  if (pair === null) return null;
  const deframer = new RtuDeframer('requests');
  pair.onData((chunk) => {
    for (const event of deframer.push(chunk)) {
      const pdu = event.ok ? answer(event.unit, event.pdu) : null;
      if (event.ok && pdu !== null) pair.write(buildRtuFrame({ unit: event.unit, pdu }));
    }
  });
  return pair;
}
