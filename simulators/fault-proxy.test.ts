import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FaultProxy, type ProxyFaults, startFaultProxy } from './fault-proxy.ts';

/** Answers with what it hears. */
let server: Server;
let proxy: FaultProxy;
let client: Socket;
beforeEach(async () => {
  server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  client.destroy();
  await proxy.close();
  server.close();
});

async function open(faults: Partial<ProxyFaults>): Promise<void> {
  const address = server.address();
  const target = typeof address === 'object' && address !== null ? address.port : 0;
  proxy = await startFaultProxy({ target, seed: 1, faults });
  client = connect({ host: '127.0.0.1', port: proxy.port, allowHalfOpen: true, noDelay: true });
  client.on('error', () => undefined);
  await once(client, 'connect');
}

/** What comes back until there are so many bytes, or the end. */
async function heard(bytes: number): Promise<string> {
  let text = '';
  for await (const chunk of client) {
    text += chunk;
    if (text.length >= bytes) break;
  }
  return text;
}

describe('a connection through the proxy', () => {
  test('is as it would be without, when there is no fault', async () => {
    await open({});
    client.write('hello');
    expect(await heard(5)).toBe('hello');
  });

  test('keeps its order under delays', async () => {
    await open({ delayMs: 1, jitterMs: 20 });
    for (const digit of '0123456789') client.write(digit);
    expect(await heard(10)).toBe('0123456789');
  });

  test('is cut in the middle of a chunk', async () => {
    await open({ cut: 1000 });
    const closed = new Promise((resolve) => client.once('close', resolve));
    client.write('hello');
    client.resume();
    await closed;
    expect(proxy.done.cut).toBe(1);
  });

  test('ends on one side only', async () => {
    await open({ halfClose: 1000 });
    client.write('hello');
    client.resume();
    await once(client, 'end');
    expect(client.writable).toBe(true);
  });

  test.each<[keyof FaultProxy['done'], (echo: string) => void]>([
    ['duplicate', (echo) => expect(echo).toBe('hellohellohellohello')],
    ['corrupt', (echo) => expect(echo).not.toBe('hello')],
    ['stall', (echo) => expect(echo).toBe('hello')],
  ])('%s happens when it is asked for, and is counted', async (fault, check) => {
    await open({ [fault]: 1000, stallMs: 1 });
    client.write('hello');
    check(await heard(fault === 'duplicate' ? 20 : 5));
    expect(proxy.done[fault]).toBeGreaterThan(1);
  });

  test('swaps two chunks', async () => {
    await open({ reorder: 1000 });
    client.write('first ');
    while (proxy.done.reorder === 0) await new Promise(setImmediate);
    proxy.set({ reorder: 0 });
    client.write('second ');
    expect(await heard(13)).toBe('second first ');
  });
});
