/** What a DLMS meter may answer wrongly, as literal frames: no value is ever taken from it. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { crc16X25 } from '../../protocols/dlms/crc16-x25.ts';
import { buildHdlcFrame, HdlcDeframer } from '../../protocols/dlms/hdlc-frame.ts';
import type { DlmsProfile } from '../../protocols/profile.ts';
import { Line } from '../line/line.ts';
import type { LineLink } from '../line/line-stream.ts';
import { dlmsDriver } from './dlms-driver.ts';
import type { MeterDriver, MeterRead } from './meter-driver.ts';

const profile: DlmsProfile = {
  id: 'one-register',
  make: 'M',
  model: 'M',
  utility: 'electricity',
  source: 'this test',
  protocol: 'dlms',
  client: 16,
  logicalDevice: 1,
  registers: [{ obis: '1-0:1.8.0', name: 'import', unit: 'kWh', billing: true, class: 3 }],
};

/** What a meter of Gurux's server answered to each request of one read over HDLC. */
const hdlc = {
  link: '7ea01f21022373e6c7818012050180060180070400000001080400000001533b7e',
  association:
    '7ea0382102233034e7e6e7006129a109060760857405080101a203020100a305a103020100be10040e0800065f1f040000101404b0000764447e',
  name: '7ea023210223528c54e6e700c401c50009104d544c3030303030303030303030303199647e',
  scaler: '7ea0172102237479e9e6e700c401c60002020ffe161e40d47e',
  value: '7ea016210223962126e6e700c401c70006075bcd152a807e',
  end: '7ea01f21022373e6c7818012050180060180070400000001080400000001533b7e',
};
/** The same over the wrapper. */
const wrapper = {
  association:
    '000100010010002b6129a109060760857405080101a203020100a305a103020100be10040e0800065f1f040000101404b00007',
  name: '0001000100100016c401c50009104d544c30303030303030303030303031',
  scaler: '000100010010000ac401c60002020ffe161e',
  value: '0001000100100009c401c70006075bcd15',
  end: '00010001001000056303800100',
};
/** Silence in the place of an answer. */
const SILENCE = '';

/** The frame with other information, rightly checked. */
function hdlcWith(frame: string, change: (information: string) => string, segmented = false): string {
  const [event] = new HdlcDeframer().push(Buffer.from(frame, 'hex'));
  if (event?.ok !== true) throw new Error('no frame');
  const information = Buffer.from(change(Buffer.from(event.frame.information).toString('hex')), 'hex');
  return Buffer.from(buildHdlcFrame({ ...event.frame, information, segmented })).toString('hex');
}
/** The frame as the physical device 18 sends it. */
function fromAnother(frame: string): string {
  const [event] = new HdlcDeframer().push(Buffer.from(frame, 'hex'));
  if (event?.ok !== true) throw new Error('no frame');
  return Buffer.from(buildHdlcFrame({ ...event.frame, source: Buffer.from('0225', 'hex') })).toString('hex');
}
/** The frame with another header check, and a frame check that is right for it. */
function withBadHeaderCheck(frame: string): string {
  const body = Buffer.from(frame, 'hex').subarray(1, -3).with(6, 0);
  const check = crc16X25(body);
  return Buffer.from([0x7e, ...body, check & 0xff, check >> 8, 0x7e]).toString('hex');
}
/** A supervisory frame: ready for the frame of this number. */
const controlOf = (control: number): string =>
  Buffer.from(
    buildHdlcFrame({
      destination: Buffer.from('21', 'hex'),
      source: Buffer.from('0223', 'hex'),
      control,
      information: new Uint8Array(0),
      segmented: false,
    }),
  ).toString('hex');

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A meter that gives the answers of `scripts` one after the other, and begins with the next script on each first frame. */
async function meterOf(
  scripts: string[][],
  kind: 'tcp' | 'rtu-over-tcp',
): Promise<{ driver: MeterDriver; line: Line; requests: string[] }> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let script: string[] = [];
  const starts = kind === 'tcp' ? /^.{16}60/ : /^7e.{10}93/;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      const request = chunk.toString('hex');
      requests.push(request);
      if (starts.test(request)) script = [...(scripts.shift() ?? [])];
      socket.write(Buffer.from(script.shift() ?? SILENCE, 'hex'));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const link: LineLink = { kind, host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  const line = new Line({ link, timeoutMilliseconds: 200, worstReplyMilliseconds: 50 });
  cleanups.push(async () => {
    await line.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const unit = kind === 'tcp' ? 1 : 17;
  return { driver: dlmsDriver(profile, profile.registers, { unit, link }), line, requests };
}

const once = { nowMs: () => 0, attempts: 1, pauses: false };
const values = (read: MeterRead): (string | null)[] => read.values.map(({ value }) => value);

test.each([
  ['rtu-over-tcp', hdlc],
  ['tcp', wrapper],
] as const)('the answers as they are give the value, over %s', async (kind, answers) => {
  const { driver, line, requests } = await meterOf([Object.values(answers)], kind);
  const read = await driver.read(line, once);
  expect(read).toMatchObject({ failures: 0, fault: null, requests: Object.keys(answers).length });
  expect(values(read)).toEqual(['1234.56789']);
  expect(requests).toHaveLength(read.requests);
});

test.each<[string, Partial<typeof hdlc>, string]>([
  ['a bad frame check', { value: hdlc.value.replace('2a80', '2a81') }, 'bad_crc'],
  ['a bad header check', { value: withBadHeaderCheck(hdlc.value) }, 'bad_crc'],
  ['a value torn at its end', { value: hdlc.value.slice(0, -8) }, 'timeout'],
  [
    'the value under another invoke id',
    { value: hdlcWith(hdlc.value, (pdu) => pdu.replace('c401c7', 'c401c8')) },
    'wrong_transaction',
  ],
  ['the scaler once more', { value: hdlc.scaler }, 'wrong_transaction'],
  ['the value of another meter', { value: fromAnother(hdlc.value) }, 'wrong_unit'],
  ['half a value, rightly checked', { value: hdlcWith(hdlc.value, (pdu) => pdu.slice(0, -4)) }, 'bad_frame'],
  ['the value and more', { value: hdlcWith(hdlc.value, (pdu) => `${pdu}00`) }, 'wrong_byte_count'],
  ['the value twice', { value: hdlc.value + hdlc.value }, 'not_alone'],
  ['no link', { link: controlOf(0x1f) }, 'closed'],
  ['the end of the link', { value: controlOf(0x1f) }, 'closed'],
  ['a link of nonsense', { link: hdlcWith(hdlc.link, () => '818012') }, 'bad_frame'],
  ['a link for short frames', { link: hdlcWith(hdlc.link, () => '818003060110') }, 'closed'],
  ['no association', { value: hdlcWith(hdlc.value, () => 'e6e700d80101') }, 'closed'],
  ['a request', { value: hdlcWith(hdlc.value, (pdu) => pdu.replace('e6e700', 'e6e600')) }, 'bad_frame'],
  [
    'an association of nonsense',
    { association: hdlcWith(hdlc.association, () => 'e6e7006129a1') },
    'bad_frame',
  ],
  ['noise', { value: `00ff${hdlc.value}` }, 'noise'],
  ['nothing', { value: SILENCE }, 'timeout'],
])('%s is no value', async (_title, wrong, code) => {
  const { driver, line } = await meterOf([Object.values({ ...hdlc, ...wrong })], 'rtu-over-tcp');
  const read = await driver.read(line, once);
  expect(read).toMatchObject({ values: [], fault: { code } });
});

test.each<[string, Partial<typeof wrapper>, string]>([
  ['another version', { value: `0002${wrapper.value.slice(4)}` }, 'bad_frame'],
  ['another logical device', { value: wrapper.value.replace('00010001', '00010002') }, 'wrong_unit'],
  ['another client', { value: wrapper.value.replace('00010010', '00010011') }, 'wrong_unit'],
  ['a longer frame than there is', { value: wrapper.value.replace('0009', '000a') }, 'timeout'],
  ['another invoke id', { value: wrapper.value.replace('c401c7', 'c401c6') }, 'wrong_transaction'],
  ['the value twice', { value: wrapper.value + wrapper.value }, 'not_alone'],
  ['no association any more', { value: '0001000100100003d80102' }, 'closed'],
])('over the wrapper, %s is no value', async (_title, wrong, code) => {
  const { driver, line } = await meterOf([Object.values({ ...wrapper, ...wrong })], 'tcp');
  expect(await driver.read(line, once)).toMatchObject({ values: [], fault: { code } });
});

describe('a refusal', () => {
  test('of a register costs that register', async () => {
    const denied = hdlcWith(hdlc.value, () => 'e6e700c401c70103');
    const { driver, line } = await meterOf([Object.values({ ...hdlc, value: denied })], 'rtu-over-tcp');
    expect(await driver.read(line, once)).toMatchObject({
      values: [],
      failures: 1,
      exception: 3,
      fault: null,
    });
  });
  test('of the association costs the read, and leaves no request behind', async () => {
    const rejected = wrapper.association.replace('a203020100a305a103020100', 'a203020101a305a10302010d');
    const { driver, line, requests } = await meterOf([[rejected]], 'tcp');
    expect(await driver.read(line, once)).toMatchObject({ values: [], exception: 13, fault: null });
    expect(requests).toHaveLength(1);
  });
  test('to be released costs nothing', async () => {
    const { driver, line } = await meterOf([Object.values({ ...wrapper, end: SILENCE })], 'tcp');
    const read = await driver.read(line, once);
    expect(read).toMatchObject({ failures: 0, fault: null });
    expect(values(read)).toEqual(['1234.56789']);
  });
});

describe('a long answer', () => {
  test('in segments is one', async () => {
    const start = hdlcWith(hdlc.value, (pdu) => pdu.slice(0, 16), true);
    const rest = Buffer.from(
      buildHdlcFrame({
        destination: Buffer.from('21', 'hex'),
        source: Buffer.from('0223', 'hex'),
        control: 0x98,
        information: Buffer.from('075bcd15', 'hex'),
        segmented: false,
      }),
    ).toString('hex');
    const { link, association, name, scaler, end } = hdlc;
    const script = [link, association, name, scaler, start, rest, end];
    const { driver, line } = await meterOf([script], 'rtu-over-tcp');
    expect(values(await driver.read(line, once))).toEqual(['1234.56789']);
  });
  test('without an end is given up', async () => {
    const { link, association, name, scaler } = hdlc;
    // It is ready to hear more, for ever, and never answers.
    const script = [link, association, name, scaler, ...Array.from({ length: 1100 }, () => controlOf(0x91))];
    const { driver, line } = await meterOf([script], 'rtu-over-tcp');
    const read = await driver.read(line, once);
    expect(read).toMatchObject({ values: [], fault: { code: 'wrong_byte_count' } });
    expect(read.requests).toBeLessThan(1100);
  }, 30_000);
  test('in blocks without an end is given up', async () => {
    const { association, name, scaler } = wrapper;
    const block = (number: number): string =>
      `00010001001001f4c402c700${number.toString(16).padStart(8, '0')}008201e8${'00'.repeat(0x1e8)}`;
    const script = [
      association,
      name,
      scaler,
      ...Array.from({ length: 600 }, (_, index) => block(index + 1)),
    ];
    const { driver, line } = await meterOf([script], 'tcp');
    const read = await driver.read(line, once);
    expect(read).toMatchObject({ values: [], fault: { code: 'wrong_byte_count' } });
    expect(read.requests).toBeLessThan(600);
  }, 30_000);
});

describe('the scale of a register', () => {
  test('is asked again when another meter answers', async () => {
    const { link, association, scaler, value, end } = hdlc;
    const numbered = (
      frame: string,
      invoke: string,
      change: (pdu: string) => string = (pdu) => pdu,
    ): string => hdlcWith(frame, (pdu) => change(pdu.replace(/c401c./, `c401c${invoke}`)));
    const other = numbered(hdlc.name, 'a', (pdu) => pdu.replace(/31$/, '32'));
    const whole = (pdu: string): string => pdu.replace('0ffe', '0f00');
    const second = [link, association, other, numbered(scaler, 'b', whole), numbered(value, 'c'), end];
    const { driver, line } = await meterOf([Object.values(hdlc), second], 'rtu-over-tcp');
    expect(values(await driver.read(line, once))).toEqual(['1234.56789']);
    expect(values(await driver.read(line, once))).toEqual(['123456.789']);
  });
  test('is kept while the same one does', async () => {
    const { link, association, value, end } = hdlc;
    const numbered = (frame: string, invoke: string): string =>
      hdlcWith(frame, (pdu) => pdu.replace(/c401c./, `c401c${invoke}`));
    // Its value stands where its scaler stood before, so its frames have other numbers.
    const early = (frame: string): string => {
      const [event] = new HdlcDeframer().push(Buffer.from(frame, 'hex'));
      if (event?.ok !== true) throw new Error('no frame');
      return Buffer.from(buildHdlcFrame({ ...event.frame, control: 0x74 })).toString('hex');
    };
    const second = [link, association, numbered(hdlc.name, 'a'), early(numbered(value, 'b')), end];
    const { driver, line } = await meterOf([Object.values(hdlc), second], 'rtu-over-tcp');
    await driver.read(line, once);
    const read = await driver.read(line, once);
    expect(values(read)).toEqual(['1234.56789']);
    expect(read.requests).toBe(5);
  });
});

describe('a meter', () => {
  test('says who it is', async () => {
    const { driver, line } = await meterOf(
      [[hdlc.link, hdlc.association, hdlc.name, hdlc.end]],
      'rtu-over-tcp',
    );
    expect(await driver.identify?.(line, once)).toMatchObject({ identity: 'MTL0000000000001', fault: null });
  });
  test('that lost its association is read in a new one', async () => {
    const lost = Object.values({ ...wrapper, scaler: '0001000100100003d80102' });
    const second = Object.values(wrapper).map((frame) =>
      frame.replace(/c401c([567])/, (_, digit: string) => `c401c${(parseInt(digit, 16) + 5).toString(16)}`),
    );
    const { driver, line } = await meterOf([lost, second], 'tcp');
    const read = await driver.read(line, { ...once, attempts: 2 });
    expect(read).toMatchObject({ failures: 1, fault: null });
    expect(values(read)).toEqual(['1234.56789']);
  });
  test('has one association at a time, whoever asks', async () => {
    const second = Object.values(wrapper).map((frame) =>
      frame.replace(/c401c([567])/, (_, digit: string) => `c401c${(parseInt(digit, 16) + 5).toString(16)}`),
    );
    second.splice(2, 1);
    const rest = second.map((frame) => frame.replace('c401cc', 'c401cb'));
    const { driver, line } = await meterOf([Object.values(wrapper), rest], 'tcp');
    const reads = await Promise.all([driver.read(line, once), driver.read(line, once)]);
    expect(reads.map(values)).toEqual([['1234.56789'], ['1234.56789']]);
  });
});
