import { execFile } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hashPassword, verifyPassword } from '../../process/secrets.ts';
import { PASSWORD, startTestServer } from '../http/test-server.ts';

const meterline = join(import.meta.dirname, '../../meterline.ts');

const run = (args: string[], environment: NodeJS.ProcessEnv = {}) =>
  new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, [meterline, ...args], { env: environment }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });

async function gateway(options: Parameters<typeof startTestServer>[0] = {}) {
  const server = await startTestServer(options);
  await server.api.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.api.server.address() as AddressInfo;
  return { ...server, to: ['--gateway', `http://127.0.0.1:${port}`, '--bus', 'floor-1'] };
}

test('read, through the queue of the gateway: the document of the command, and what it waited', async () => {
  const { to } = await gateway();
  const asked = ['read', ...to, '--profile', 'acrel-dtsd1352', '--unit', '3', '--json'];
  const { code, out } = await run(asked);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    profile: 'acrel-dtsd1352',
    unit: 3,
    waitedMilliseconds: expect.any(Number),
    readings: [{ register: '1-0:1.8.0', value: '123456.78', unit: 'kWh', quality: 'actual' }],
  });
});

test.each<[string, string[], number, RegExp]>([
  ['a meter that is silent', ['--profile', 'acrel-dtsd1352', '--unit', '9'], 1, /timeout: no reply; check/],
  ['an unknown model', ['--profile', 'none', '--unit', '3'], 2, /No such meter model/],
  ['an unknown bus', ['--bus', 'none', '--profile', 'acrel-dtsd1352', '--unit', '3'], 2, /No such bus/],
])('read of %s', async (_, more, exitCode, said) => {
  const { to } = await gateway();
  const { code, err } = await run(['read', ...to, ...more]);
  expect({ code, err }).toEqual({ code: exitCode, err: expect.stringMatching(said) });
});

test('scan lists who answers', async () => {
  const { to } = await gateway();
  const { code, out } = await run(['scan', ...to, '--units', '5,7', '--timeout', '30', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ probed: 2, found: [{ unit: 7 }] });
});

test('detect-register finds the register of the face', async () => {
  const { to } = await gateway();
  const search = ['--face', '123456.78', '--unit', '3', '--to', '31', '--pause', '0', '--json'];
  const { code, out } = await run(['detect-register', ...to, ...search]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ face: '123456.78', found: [{ address: 10, scale: '0.01' }] });
});

test('watch ends after its reads', async () => {
  const { to } = await gateway();
  const { code, out } = await run([
    'watch',
    ...to,
    '--profile',
    'acrel-dtsd1352',
    '--unit',
    '3',
    '--count',
    '1',
  ]);
  expect(code).toBe(0);
  expect(out).toMatch(/^2026-09-01T00:07:00\.000Z 1-0:1\.8\.0 \S+.* 123456\.78 kWh$/m);
});

test('the password comes from the environment', async () => {
  const hash = await hashPassword(PASSWORD);
  const { to } = await gateway({ verifyPassword: (password) => verifyPassword(password, hash) });
  const asked = ['read', ...to, '--profile', 'acrel-dtsd1352', '--unit', '3'];
  expect(await run(asked)).toMatchObject({ code: 2, err: expect.stringContaining('Sign in first') });
  expect((await run(asked, { METERLINE_EDGE_PASSWORD: PASSWORD })).code).toBe(0);
});

test('a gateway that is not there is an operating fault; a port that does not open points to it', async () => {
  const away = ['--gateway', 'http://127.0.0.1:9', '--bus', 'floor-1'];
  const asked = ['--profile', 'acrel-dtsd1352', '--unit', '3'];
  expect(await run(['read', ...away, ...asked])).toMatchObject({ code: 3 });
  const direct = await run(['read', '--tcp', '127.0.0.1:9', ...asked]);
  expect(direct).toMatchObject({ code: 3, err: expect.stringContaining('--gateway') });
});
