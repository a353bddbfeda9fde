/** Why a connection to the broker ended, by how far it got: an engineer's next step hangs on it. Pure. */
import type { UplinkFaultCode } from '../../protocols/edge-api.ts';

export interface UplinkEnd {
  code: UplinkFaultCode;
  /** As the system or the broker said it. */
  detail: string;
}

/** As Node names what the system says. */
const systemCodes: Record<string, UplinkFaultCode> = {
  ENOTFOUND: 'name_not_known',
  EAI_AGAIN: 'name_not_known',
  ECONNREFUSED: 'nothing_listens',
  EHOSTUNREACH: 'no_route',
  ENETUNREACH: 'no_route',
  ETIMEDOUT: 'no_connection',
  ECONNRESET: 'closed_by_broker',
  EPIPE: 'closed_by_broker',
};

/** Of the broker's certificate, as OpenSSL and Node name what is wrong with it. */
const UNTRUSTED =
  /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|ERR_TLS_CERT_ALTNAME|HOSTNAME_MISMATCH|INVALID_CA)/;
const TLS = /^(ERR_SSL_|ERR_TLS_|EPROTO$)/;
/** CONNACK: bad user name or password, not authorized; of MQTT 3.1.1 and 5. */
const CREDENTIAL: ReadonlySet<unknown> = new Set([4, 5, 134, 135]);

export function uplinkEnd(error: Error): UplinkEnd {
  const code = 'code' in error ? error.code : undefined;
  const detail = error.message === '' ? String(code ?? error.name) : error.message;
  return { code: faultCode(code, detail), detail };
}

function faultCode(code: unknown, detail: string): UplinkFaultCode {
  if (typeof code === 'number') return CREDENTIAL.has(code) ? 'credential_refused' : 'broker_refused';
  if (typeof code === 'string') {
    if (UNTRUSTED.test(code)) return 'tls_untrusted';
    if (TLS.test(code)) return 'tls_refused';
    const known = systemCodes[code];
    if (known !== undefined) return known;
  }
  return /timeout|timed out/i.test(detail) ? 'no_connection' : 'other';
}
