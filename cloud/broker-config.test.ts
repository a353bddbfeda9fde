import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from './config.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-broker-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function problemsOf(broker: object): string[] {
  const file = join(folder, 'cloud.yaml');
  const http = { host: '127.0.0.1', port: 0 };
  writeFileSync(file, JSON.stringify({ dataDir: 'd', park: 'p', http, broker }));
  const loaded = loadConfig(file);
  return loaded.ok ? [] : loaded.problems;
}

const gateways = [{ gateway: 'gw-a', password: 'a-long-password' }];
const tls = { cert: 'broker.pem', key: 'broker.pem', clientCa: 'ca.pem' };
const embedded = (more: object) => ({ host: '0.0.0.0', port: 1883, ...more });

test.each<[string, object, RegExp | null]>([
  ['open in the clear', { embedded: embedded({}), gateways }, /insecure: true/],
  ['open in the clear, by name', { embedded: embedded({ insecure: true }), gateways }, null],
  ['in the clear for nobody', { embedded: embedded({ host: '127.0.0.1' }) }, /no gateway can connect/],
  [
    'with TLS and passwords',
    { embedded: embedded({ tls }), gateways },
    /certificates in the place of passwords/,
  ],
  [
    'with TLS, and a key that others may read',
    { embedded: embedded({ tls }) },
    /broker\.pem may be read by others: run `chmod 600/,
  ],
  ['another machine in the clear', { url: 'mqtt://10.0.0.5' }, /insecure: true/],
  ['another machine in the clear, by name', { url: 'mqtt://10.0.0.5', insecure: true }, null],
  ['another machine with TLS', { url: 'mqtts://10.0.0.5', tls: { ca: 'ca.pem' } }, null],
  ['half a certificate', { url: 'mqtts://10.0.0.5', tls: { ca: 'ca.pem', cert: 'x.pem' } }, /go together/],
])('a broker %s', (_, broker, refusal) => {
  writeFileSync(join(folder, 'broker.pem'), 'pem', { mode: 0o644 });
  const problems = problemsOf(broker).join('\n');
  if (refusal === null) expect(problems).toBe('');
  else expect(problems).toMatch(refusal);
});
