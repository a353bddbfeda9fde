import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { buildCjt188Frame } from '../../protocols/cjt188/frame.ts';
import { buildReply as buildCjt188Reply, type Cjt188Request } from '../../protocols/cjt188/read-data.ts';
import { buildHdlcFrame, hdlcAddress } from '../../protocols/dlms/hdlc-frame.ts';
import { buildWrapperFrame } from '../../protocols/dlms/wrapper.ts';
import { buildDlt645Frame } from '../../protocols/dlt645/frame.ts';
import { buildReply as buildDlt645Reply, type Dlt645Request } from '../../protocols/dlt645/read-data.ts';
import { buildMbusFrame } from '../../protocols/mbus/frame.ts';
import { buildAnswer } from '../../protocols/mbus/link.ts';
import { cjt188Exchange } from '../drivers/cjt188-driver.ts';
import { type DlmsTransport, hdlcTransport, wrapperTransport } from '../drivers/dlms-transport.ts';
import { dlt645Exchange } from '../drivers/dlt645-driver.ts';
import { requestedData } from '../drivers/mbus-exchange.ts';
import type { Alarm, AlarmKind, Exchange } from './exchange.ts';
import { Line } from './line.ts';

const CLIENT = 16;
const dlt645: Dlt645Request = { version: 2007, address: '000000000001', kind: 'item', item: '00010000' };
const cjt188: Cjt188Request = {
  ...{ type: '10', address: '00000000000001', item: '901F', order: 'low_first' as const, serial: 3 },
};
/** Long header: identification number, maker, version, medium, access number, status, signature; then one record. */
const telegram = (litres: number): Uint8Array =>
  Uint8Array.of(0x78, 0x56, 0x34, 0x12, 0x24, 0x40, 1, 7, 9, 0, 0, 0, 0x01, 0x13, litres);

/** What `use` asks of a transport. */
function asked(
  transport: (send: <T>(exchange: Exchange<T>) => Promise<T>) => DlmsTransport,
  use: (transport: DlmsTransport) => Promise<unknown>,
): Exchange<unknown> {
  let exchange: Exchange<unknown> | null = null;
  const send = <T>(one: Exchange<T>): Promise<T> => {
    exchange = one;
    return new Promise<T>(() => undefined);
  };
  void use(transport(send));
  if (exchange === null) throw new Error('nothing was asked');
  return exchange;
}

const dlms = { client: CLIENT, logicalDevice: 1, addressBytes: 1, unit: 1 } as const;
const hdlcAnswer = (size: number): Uint8Array =>
  buildHdlcFrame({
    ...{ destination: hdlcAddress(CLIENT), source: hdlcAddress(1), control: 0x73, segmented: false },
    information: Uint8Array.of(0x81, 0x80, 0x03, 0x05, 0x01, size),
  });

/** A request, and the answers of two meters to it. */
const cases: [string, number | string, () => Exchange<unknown>, (digit: number) => Uint8Array][] = [
  [
    'DL/T 645',
    dlt645.address,
    () => dlt645Exchange(dlt645),
    (digit) =>
      buildDlt645Frame(
        buildDlt645Reply(dlt645, dlt645.address, {
          ...{ ok: true, data: Uint8Array.of(digit, 0, 0, 0), more: false },
        }),
      ),
  ],
  [
    'CJ/T 188',
    cjt188.address,
    () => cjt188Exchange(cjt188),
    (digit) => buildCjt188Frame(buildCjt188Reply(cjt188, cjt188, { ok: true, data: Uint8Array.of(digit) })),
  ],
  [
    'M-Bus',
    5,
    () =>
      requestedData(
        5,
        { address: 5, fcb: true },
        () => null,
        () => null,
      ),
    (digit) => buildMbusFrame(buildAnswer(5, 0x72, telegram(digit))),
  ],
  [
    'DLMS on HDLC',
    1,
    () =>
      asked(
        (send) => hdlcTransport(send, dlms),
        (transport) => transport.connect(),
      ),
    hdlcAnswer,
  ],
  [
    'DLMS in the wrapper',
    1,
    () =>
      asked(
        (send) => wrapperTransport(send, dlms),
        (transport) => transport.ask(Uint8Array.of(0x60), (answer) => ({ ok: true, answer })),
      ),
    (digit) => buildWrapperFrame({ source: 1, destination: CLIENT, pdu: Uint8Array.of(0x61, digit) }),
  ],
];

describe.each(cases)('a second answer over %s', (_title, unit, exchangeOf, answer) => {
  test.each<[string, number, AlarmKind]>([
    ['that is another', 2, 'second_slave'],
    ['that is the same', 1, 'duplicate'],
  ])('%s: with the first or after it, it is told', (_which, digit, kind) => {
    const joined = exchangeOf();
    joined.start();
    expect(joined.take(Buffer.concat([answer(1), answer(digit)]))).toEqual({
      ...{ state: 'doubt', doubt: 'not_alone', alarm: { kind, unit } },
    });

    const apart = exchangeOf();
    apart.start();
    expect(apart.take(answer(1))).toMatchObject({ state: 'answer' });
    const [half, rest] = [answer(digit).subarray(0, 6), answer(digit).subarray(6)];
    expect(apart.stray?.(half)).toEqual({ harmless: false });
    expect(apart.stray?.(rest)).toEqual({ harmless: false, alarm: { kind, unit } });
  });

  test('what is no answer tells of nobody, and neither does an answer that comes late', () => {
    const exchange = exchangeOf();
    exchange.start();
    expect(exchange.stray?.(answer(1))).toEqual({ harmless: false });
    const noise = exchangeOf();
    noise.start();
    expect(noise.take(answer(1))).toMatchObject({ state: 'answer' });
    expect(noise.stray?.(Uint8Array.of(0, 1, 2))).toEqual({ harmless: false });
  });
});

test('a second meter of DL/T 645 on a line fails the request, and the line tells of it', async () => {
  const [, unit, exchangeOf, answer] = cases[0] ?? [];
  if (exchangeOf === undefined || answer === undefined) throw new Error('there is no case');
  const server = createServer((socket) =>
    socket.on('data', () => socket.write(Buffer.concat([answer(1), answer(2)]))),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const heard: Alarm[] = [];
  const link = { kind: 'rtu-over-tcp', host: '127.0.0.1', port } as const;
  const line = new Line({ link, timeoutMilliseconds: 500, onAlarm: (alarm) => heard.push(alarm) });
  await expect(line.ask(exchangeOf())).rejects.toMatchObject({ code: 'not_alone' });
  expect(heard).toEqual([{ kind: 'second_slave', unit }]);
  expect(line.alarms()).toEqual([{ unit, echo: 0, duplicate: 0, second_slave: 1 }]);
  await line.close();
  server.close();
});
