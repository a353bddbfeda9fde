import type { Doubt } from './exchange.ts';

/** `unreachable`: the port or socket would not open; the others: no clean answer to a request. */
export type LineFaultCode = 'unreachable' | 'timeout' | 'closed' | 'noise' | Doubt;

export class LineFault extends Error {
  readonly code: LineFaultCode;
  constructor(code: LineFaultCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'LineFault';
    this.code = code;
  }
}
