import { expect, test } from 'vitest';
import { uplinkEnd } from './uplink-fault.ts';

const failed = (message: string, code?: string | number): Error =>
  Object.assign(new Error(message), code === undefined ? {} : { code });

test.each([
  [failed('getaddrinfo ENOTFOUND cloud.example', 'ENOTFOUND'), 'name_not_known'],
  [failed('getaddrinfo EAI_AGAIN cloud.example', 'EAI_AGAIN'), 'name_not_known'],
  [failed('connect ECONNREFUSED 192.0.2.1:8883', 'ECONNREFUSED'), 'nothing_listens'],
  [failed('', 'ECONNREFUSED'), 'nothing_listens'],
  [failed('connect EHOSTUNREACH 192.0.2.1:8883', 'EHOSTUNREACH'), 'no_route'],
  [failed('connack timeout'), 'no_connection'],
  [failed('unable to verify the first certificate', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'tls_untrusted'],
  [failed('certificate has expired', 'CERT_HAS_EXPIRED'), 'tls_untrusted'],
  [
    failed("Hostname/IP does not match certificate's altnames", 'ERR_TLS_CERT_ALTNAME_INVALID'),
    'tls_untrusted',
  ],
  [failed('tlsv13 alert certificate required', 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'tls_refused'],
  [failed('write EPROTO', 'EPROTO'), 'tls_refused'],
  [failed('Connection refused: Not authorized', 5), 'credential_refused'],
  [failed('Connection refused: Bad User Name or Password', 134), 'credential_refused'],
  [failed('Connection refused: Server unavailable', 3), 'broker_refused'],
  [failed('read ECONNRESET', 'ECONNRESET'), 'closed_by_broker'],
  [failed('something new'), 'other'],
])('%s is %s, with words that are never empty', (error, code) => {
  const end = uplinkEnd(error);
  expect(end.code).toBe(code);
  expect(end.detail).not.toBe('');
});
