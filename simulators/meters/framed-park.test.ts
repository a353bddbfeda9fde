import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import * as cjt188 from '../../protocols/cjt188/frame.ts';
import * as dlt645 from '../../protocols/dlt645/frame.ts';
import { SumDeframer } from '../../protocols/sum-frame.ts';
import { readProfiles } from '../profiles.ts';
import { type FramedPark, startFramedPark } from './framed-park.ts';

let park: FramedPark | null = null;
afterEach(() => park?.close());

/** What a socket says to a frame. */
function asked(address: string, request: string, deframer: SumDeframer): Promise<Uint8Array> {
  const [host = '', port = ''] = address.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host, () => socket.write(Buffer.from(request, 'hex')));
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      const [event] = deframer.push(chunk);
      if (event?.ok !== true) return;
      socket.destroy();
      resolve(event.bytes);
    });
  });
}
const start = async (protocol: 'dlt645' | 'cjt188'): Promise<FramedPark> => {
  const now = () => Temporal.PlainDateTime.from('2026-09-01T12:34:56');
  park = await startFramedPark(protocol, readProfiles(), { host: '127.0.0.1', port: 0, now });
  return park;
};

test('each model of DL/T 645 is alone on its line, and tells its address', async () => {
  const { meters } = await start('dlt645');
  expect(meters.map(({ profile }) => profile)).toEqual(['dlt645-1997', 'dlt645-2007-1ph', 'dlt645-2007-3ph']);
  const [, single] = meters;
  const reply = await asked(
    single?.addresses[0] ?? '',
    '68aaaaaaaaaaaa681300df16',
    new SumDeframer(dlt645.DLT645_FRAME),
  );
  expect(dlt645.parseDlt645Frame(reply).address).toBe(single?.unit);
});

test('a water meter of CJ/T 188 answers the read of the standard', async () => {
  const { meters } = await start('cjt188');
  const water = meters.find(({ profile }) => profile === 'cjt188-water');
  expect(water?.unit).toBe('00000000000003');
  const reply = await asked(
    water?.addresses[0] ?? '',
    '681003000000000000' + '01031f90002e16',
    new SumDeframer(cjt188.CJT188_FRAME),
  );
  // 1234.56 m3, low byte first, and the unit code of m3.
  expect(Buffer.from(reply).toString('hex')).toContain('1f9000563412002c');
});
