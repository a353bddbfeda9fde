/** What stood in the way, as a line for people, the same as a gateway tells it. */
import type { LiveFault } from '../../protocols/edge-api.ts';
import type { Link } from '../config.ts';
import type { LineFault } from '../line/line.ts';
import { lineFault } from '../line/live-fault.ts';

/** The next thing to try when a line would not open: a port has one owner. */
const HELD_HINT =
  'Does a running gateway hold it? Then ask through it: --gateway http://127.0.0.1:8090 --bus ID (http in its edge.yaml).';

export const faultText = ({ code, detail, next }: LiveFault): string => `${code}: ${detail}; ${next}`;

/** Of a line that would not open: what the system said stands before it. */
export function unopenedText(fault: LineFault, link: Link): string {
  const text = `${fault.message}\n${faultText(lineFault(fault, link))}`;
  return mayBeHeld(fault, link) ? `${text}\n${HELD_HINT}` : text;
}

/** A serial port that is there, or a converter that serves one client. */
function mayBeHeld({ message, cause }: LineFault, { kind }: Link): boolean {
  if (kind === 'serial') return /lock|busy/i.test(message);
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return code === 'ECONNREFUSED' || code === 'ECONNRESET';
}
