import { afterEach, describe, expect, test } from 'vitest';
import { ModbusProfile } from '../../protocols/profile.ts';
import { Line } from '../line/line.ts';
import { loadProfiles } from '../profiles.ts';
import { type MeterImage, serveMeters, type TestMeters } from '../test-meters.ts';
import { openHistory } from './open-history.ts';

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const primary = ModbusProfile.parse(loaded.profiles.get('acrel-adl400'));

let served: TestMeters | null = null;
let line: Line | null = null;
afterEach(async () => {
  await line?.close();
  await served?.close();
});

const ms = (local: string): number =>
  Temporal.PlainDateTime.from(local).toZonedDateTime('Asia/Shanghai').epochMilliseconds;
const blank = 'f'.repeat(8);
/** Export never counted, PT 1, CT 40, and three midnights of the secondary side. */
const image = (): Record<number, string> => ({
  2134: '00000000',
  141: '0001',
  142: '0028',
  24576: '1a091400000003ee',
  24610: '1a091300000003e9',
  24644: '1a091200000003e8',
  24678: `${blank}${blank}`,
  28672: '1a090100000003e0',
  28706: `${blank}${blank}`,
});

async function read(registers: Record<number, string>, gap: { from?: string; to?: string } = {}) {
  served = await serveMeters({ 7: { 3: registers } satisfies MeterImage });
  line = new Line({ link: { kind: 'tcp', host: '127.0.0.1', port: served.port }, timeoutMilliseconds: 300 });
  const history = openHistory(primary, 7);
  const result = await history?.(line, {
    nowMs: () => ms('2026-09-20T10:20'),
    attempts: 1,
    pauses: false,
    timeZone: 'Asia/Shanghai',
    clockOffsetMs: null,
    fromMs: ms(gap.from ?? '2026-09-17T12:00'),
    toMs: ms(gap.to ?? '2026-09-20T10:20'),
    wanted: new Set(['1-0:1.8.0']),
  });
  return {
    ...result,
    values: result?.values.map(({ readAtMs, value, raw }) => [
      Temporal.Instant.fromEpochMilliseconds(readAtMs).toString(),
      value,
      raw,
    ]),
  };
}

describe('frozen days of an ADL400', () => {
  test('are those of the secondary side times PT x CT, cut down to what the polled register shows', async () => {
    expect(await read(image())).toMatchObject({
      values: [
        ['2026-09-19T16:00:00Z', '402.4', '1a091400000003ee'],
        ['2026-09-18T16:00:00Z', '400.4', '1a091300000003e9'],
        ['2026-09-17T16:00:00Z', '400', '1a091200000003e8'],
      ],
      notes: [],
      failures: 0,
    });
    // Export, PT, CT, four days, one month.
    expect(served?.requests).toHaveLength(8);
  });
  test('months go back before the days', async () => {
    const { values } = await read(image(), { from: '2026-08-20T00:00' });
    expect(values?.at(-1)).toEqual(['2026-08-31T16:00:00Z', '396.8', '1a090100000003e0']);
  });
  test('outside of the gap are left', async () => {
    const { values } = await read(image(), { from: '2026-09-18T00:00', to: '2026-09-20T00:00' });
    expect(values?.map(([at]) => at)).toEqual(['2026-09-18T16:00:00Z']);
  });
  test.each<[string, Record<number, string>, unknown]>([
    ['export has counted', { 2134: '00000001' }, [expect.stringContaining('2.8.0, which has counted')]],
    ['there is no CT', { 142: '0000' }, ['multiplier 0 at address 142']],
    ['the CT is no number', { 142: 'ffff' }, ['multiplier 65535 at address 142']],
    [
      'the newest day is not of today',
      { 24576: '1a091300000003ee' },
      [expect.stringMatching(/^day 1 is of/)],
    ],
    ['the newest day is of tomorrow', { 24576: '1a091500000003ee' }, [expect.stringMatching(/^day 1 is of/)]],
    ['the newest day has no time', { 24576: '1a0d1500000003ee' }, ['day 1 has no time']],
    ['export is not known', { 2134: 'ffffffff' }, []],
    ['nothing was frozen', { 24576: `${blank}${blank}`, 28672: `${blank}${blank}` }, []],
  ])('are not taken when %s', async (_title, changed, notes) => {
    expect(await read({ ...image(), ...changed })).toMatchObject({ values: [], notes });
  });
  test('end where they go back in time no more', async () => {
    const { values, notes } = await read({ ...image(), 24610: '1a091400000003e9' });
    expect(values).toHaveLength(1);
    expect(notes).toEqual(['day 2 is of 2026-09-20T00:00:00: not taken']);
  });
  test('are not there in a meter that refuses them', async () => {
    const { 0x6000: _first, 0x7000: _month, ...others } = image();
    expect(await read(others)).toMatchObject({ values: [], exception: 2, failures: 2 });
  });
});
