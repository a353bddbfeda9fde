import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ANY_PRIMARY, ANY_SECONDARY, SELECTED } from '../../protocols/mbus/address.ts';
import { buildMbusFrame } from '../../protocols/mbus/frame.ts';
import { buildCommand, type MbusCommand } from '../../protocols/mbus/link.ts';
import { parseTelegram } from '../../protocols/mbus/telegram.ts';
import { readProfiles } from '../profiles.ts';
import { mbusLine, mbusMeter } from './mbus-meters.ts';
import { startMbusPark } from './mbus-park.ts';

const profile = readProfiles().get('mbus-heat');
if (profile?.protocol !== 'mbus') throw new Error('no profile mbus-heat');
const SECONDARY = '068558172D2C0804';
const meter = (primary = 1, secondary = SECONDARY) =>
  mbusMeter({ profile, primary, secondary, values: () => 1_000_000n, recordsPerTelegram: 3 });

/** What a telegram tells: how many records, its access number, and whether there is more. */
function told(one: ReturnType<typeof meter>, command: MbusCommand): string {
  const frame = one.answer(command);
  if (frame === null) return 'nothing';
  if (frame.kind !== 'long') return frame.kind;
  const telegram = parseTelegram(frame.ci, frame.data);
  if (!telegram.ok || !('records' in telegram)) return 'unreadable';
  return `${telegram.records.length} records, ${telegram.header?.accessNumber}, more: ${telegram.more}`;
}
const reset: MbusCommand = { kind: 'reset', address: 1 };
const data = (fcb: boolean, address = 1): MbusCommand => ({ kind: 'data', address, fcb });
const select = (pattern: string): MbusCommand => ({ kind: 'select', pattern });

describe('a simulated meter on M-Bus', () => {
  test('goes on to the next telegram when the frame count bit changes, and repeats the last when not', () => {
    const one = meter();
    expect(
      [reset, data(true), data(true), data(false), data(true), reset, data(true)].map((c) => told(one, c)),
    ).toEqual([
      'ack',
      '3 records, 1, more: true',
      '3 records, 1, more: true',
      '3 records, 2, more: true',
      '1 records, 3, more: false',
      'ack',
      '3 records, 4, more: true',
    ]);
  });

  test('answers its own address, the one for all, and the one for the selected while it is selected', () => {
    const one = meter();
    expect(told(one, data(true, 2))).toBe('nothing');
    expect(told(one, data(true, ANY_PRIMARY))).toMatch(/^3 records/);
    expect(told(one, data(true, SELECTED))).toBe('nothing');
    expect(told(one, select(ANY_SECONDARY))).toBe('ack');
    expect(told(one, data(true, SELECTED))).toMatch(/^3 records/);
    expect(told(one, select('168558172D2C0804'))).toBe('nothing');
    expect(told(one, data(true, SELECTED))).toBe('nothing');
  });

  test('is deselected by a reset of the selected', () => {
    const one = meter();
    const deselect: MbusCommand = { kind: 'reset', address: SELECTED };
    expect([select(SECONDARY), deselect, data(true, SELECTED)].map((c) => told(one, c))).toEqual([
      'ack',
      'ack',
      'nothing',
    ]);
  });

  test('hears commands in any pieces, and says nothing to what is none', () => {
    const hear = mbusLine([meter(1), meter(2, '168558172D2C0804')]);
    const bytes = buildMbusFrame(buildCommand(reset));
    expect(Array.from(bytes, (byte) => hear(Uint8Array.of(byte)).length)).toEqual([0, 0, 0, 0, 1]);
    expect(hear(Buffer.from('0103000000018bff', 'hex'))).toEqual([]);
    expect(hear(buildMbusFrame(buildCommand({ kind: 'reset', address: ANY_PRIMARY })))).toHaveLength(2);
  });
});

test('simulate --mbus has a meter of every model, each with addresses of its own', async () => {
  const park = await startMbusPark(readProfiles(), { host: '127.0.0.1', port: 0 });
  try {
    expect(new Set(park.meters.map(({ secondary }) => secondary)).size).toBe(park.meters.length);
    const socket = connect(Number(park.addresses[0]?.split(':')[1]), '127.0.0.1');
    socket.write(buildMbusFrame(buildCommand(reset)));
    const heard = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    expect(heard.toString('hex')).toBe('e5');
    socket.destroy();
  } finally {
    await park.close();
  }
});
