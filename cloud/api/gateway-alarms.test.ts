import { expect, test } from 'vitest';
import type { StoredGatewayStatus } from '../store/port/gateways.ts';
import { gatewayAlarms } from './gateway-alarms.ts';

const well: StoredGatewayStatus = {
  gateway: 'gw-a',
  online: true,
  at: '2026-09-01T12:00:00Z',
  version: '0.1.0',
  bufferedRows: 0,
  oldestBufferedAt: null,
  lastReceiptAt: null,
  keyId: '00000000000000aa',
  pinnedKeyId: '00000000000000aa',
  buses: [],
};
const offset = (offsetSeconds: number, uncertaintySeconds: number) => ({
  cloudOffset: { offsetSeconds, uncertaintySeconds, at: '2026-09-01T12:00:00Z' },
});

test.each<[string, Partial<StoredGatewayStatus>, number, string[]]>([
  ['that is well has none', {}, 30_000, []],
  ['whose will came is offline, and not silent as well', { online: false }, 9_000_000, ['offline']],
  ['that is connected and tells nothing is silent', {}, 180_001, ['silent']],
  ['that signs with another key than at first', { keyId: '00000000000000bb' }, 0, ['key_changed']],
  ['whose clock is off for sure', offset(-62, 1), 0, ['clock_off']],
  ['whose clock may be right', offset(62, 3), 0, []],
  ['with readings that wait for an hour', { oldestBufferedAt: '2026-09-01T10:59:59Z' }, 0, ['backlog']],
  ['with readings that have just come', { oldestBufferedAt: '2026-09-01T11:59:00Z' }, 0, []],
])('a gateway %s', (_, over, silentMs, alarms) => {
  expect(gatewayAlarms({ ...well, ...over }, silentMs)).toEqual(alarms);
});
