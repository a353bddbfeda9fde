/** The options that name a line to meters, shared by the commands that read one. */
import type { Link } from '../config.ts';

export const linkOptions = {
  tcp: { type: 'string' },
  'rtu-over-tcp': { type: 'string' },
  serial: { type: 'string' },
  baud: { type: 'string', default: '9600' },
  parity: { type: 'string', default: 'none' },
  timeout: { type: 'string' },
} as const;

export const LINK_USAGE = `  --tcp HOST:PORT            Modbus TCP; DLMS in its wrapper
  --rtu-over-tcp HOST:PORT   a serial line behind a transparent converter: Modbus RTU, DL/T 645, CJ/T 188,
                             M-Bus, DLMS over HDLC
  --serial DEVICE            a serial line: the same
    --baud B                 default 9600
    --parity N               none, even or odd; default none
  --timeout MS               how long to wait for an answer`;

export interface LinkValues {
  tcp?: string | undefined;
  'rtu-over-tcp'?: string | undefined;
  serial?: string | undefined;
  baud: string;
  parity: string;
  timeout?: string | undefined;
}

/** The line named by the options, or the sentence that says what is wrong with them. */
export type ParsedLink = { ok: true; link: Link; timeoutMilliseconds: number } | { ok: false; error: string };

export function parseLink(values: LinkValues, defaultTimeoutMilliseconds: number): ParsedLink {
  const timeoutMilliseconds = parseWhole(values.timeout ?? String(defaultTimeoutMilliseconds), 1, 60_000);
  if (timeoutMilliseconds === null) return { ok: false, error: '--timeout is not 1 to 60000 (milliseconds)' };
  const named = [values.tcp, values['rtu-over-tcp'], values.serial].filter((value) => value !== undefined);
  if (named.length !== 1) return { ok: false, error: 'one of --tcp, --rtu-over-tcp and --serial is needed' };
  if (values.serial !== undefined) {
    const baudRate = parseWhole(values.baud, 300, 921_600);
    if (baudRate === null) return { ok: false, error: '--baud is not 300 to 921600' };
    const { parity } = values;
    if (parity !== 'none' && parity !== 'even' && parity !== 'odd') {
      return { ok: false, error: '--parity is not none, even or odd' };
    }
    return { ok: true, link: { kind: 'serial', path: values.serial, baudRate, parity }, timeoutMilliseconds };
  }
  const match = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/.exec(named[0] ?? '');
  const port = parseWhole(match?.[2] ?? '', 1, 65_535);
  if (match?.[1] === undefined || port === null)
    return { ok: false, error: `"${named[0]}" is not HOST:PORT` };
  const kind = values.tcp === undefined ? 'rtu-over-tcp' : 'tcp';
  return { ok: true, link: { kind, host: match[1].replace(/^\[|\]$/g, ''), port }, timeoutMilliseconds };
}

/** A whole number within bounds, or null. */
export function parseWhole(text: string, low: number, high: number): number | null {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  return value >= low && value <= high ? value : null;
}
