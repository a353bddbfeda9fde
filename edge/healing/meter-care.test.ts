import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ModbusProfile } from '../../protocols/profile.ts';
import type { NewReading } from '../buffer/outbox-items.ts';
import type { RegisterValue } from '../drivers/meter-driver.ts';
import { Line } from '../line/line.ts';
import { loadProfiles } from '../profiles.ts';
import { serveMeters, type TestMeters } from '../test-meters.ts';
import { MeterCare } from './meter-care.ts';
import { OpenGaps } from './open-gaps.ts';

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const profile = ModbusProfile.parse(loaded.profiles.get('acrel-adl400-secondary'));
const timeZone = 'Asia/Shanghai';
const ms = (local: string): number =>
  Temporal.PlainDateTime.from(local).toZonedDateTime(timeZone).epochMilliseconds;
const image = {
  20: '00000000',
  24576: '1a091400000003ee',
  24610: '1a091300000003e9',
  24644: 'ffffffffffffffff',
  28672: 'ffffffffffffffff',
};
/** 10.06 kWh now; 9.5 were read last. */
const read: RegisterValue[] = [
  {
    register: { obis: '1-0:1.8.0', name: 'import', unit: 'kWh', billing: true },
    value: '10.06',
    raw: '000003ee',
    readAtMs: ms('2026-09-20T10:15'),
  },
];

let served: TestMeters;
let line: Line;
let gaps: OpenGaps;
let accepted: NewReading[];
const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
beforeEach(async () => {
  served = await serveMeters({ 7: { 3: image } });
  gaps = new OpenGaps(null);
  accepted = [];
  vi.clearAllMocks();
});
afterEach(async () => {
  await line.close();
  await served.close();
});

function careFor(accept = async (readings: NewReading[]) => void accepted.push(...readings)): MeterCare {
  line = new Line({ link: { kind: 'tcp', host: '127.0.0.1', port: served.port }, timeoutMilliseconds: 50 });
  return new MeterCare({
    bus: 'bus-1',
    line,
    meters: [{ meter: 'E-1', unit: 7, profile }],
    timeZone,
    clock: { nowMs: () => ms('2026-09-20T10:15'), until: async () => undefined },
    pauses: false,
    pollIntervalMs: 900_000,
    gaps,
    outbox: { accept, lastAccepted: () => ({ atMs: ms('2026-09-18T12:00'), value: '9.5' }) },
    log,
  });
}

describe('the care for a meter', () => {
  test('heals the gap before what was read', async () => {
    const care = careFor();
    care.polled('E-1', read);
    await care.idle();
    expect(accepted.map(({ value, source }) => [value, source])).toEqual([
      ['10.01', 'frozen'],
      ['10.06', 'frozen'],
    ]);
    expect(gaps.of('E-1')).toEqual([]);
    expect(log.info).toHaveBeenCalledWith(
      expect.objectContaining({ bus: 'bus-1', meter: 'E-1', unit: 7, readings: 2, clockOffsetSeconds: null }),
      'gap healed',
    );
  });
  test('is none for other meters', async () => {
    const care = careFor();
    care.polled('E-2', read);
    await care.idle();
    expect(served.requests).toEqual([]);
  });
  test('of one that falls silent tries again when it is back, four times in all', async () => {
    served.meters.clear();
    const care = careFor();
    const tries: (number | undefined)[] = [];
    for (let n = 0; n < 5; n++) {
      care.polled('E-1', n === 0 ? read : []);
      if (n > 0) care.polled('E-1', [{ ...read[0], readAtMs: ms('2026-09-18T12:15') } as RegisterValue]);
      await care.idle();
      tries.push(gaps.of('E-1')[0]?.tries);
    }
    expect(tries).toEqual([1, 2, 3, undefined, undefined]);
    expect(accepted).toEqual([]);
    expect(log.warn).toHaveBeenLastCalledWith(expect.objectContaining({ readings: 0 }), 'gap not healed');
  });
  test('that is stopped in the middle leaves the gap to the next start', async () => {
    const care = careFor();
    care.polled('E-1', read);
    const stopped = care.stop();
    await line.close();
    await stopped;
    expect(gaps.of('E-1')).toMatchObject([{ meter: 'E-1', tries: 0 }]);
    expect(accepted).toEqual([]);
  });
  test('leaves the gap open when the readings are not accepted', async () => {
    const care = careFor(() => Promise.reject(new Error('the buffer is full')));
    care.polled('E-1', read);
    await care.idle();
    expect(gaps.of('E-1')).toHaveLength(1);
    expect(log.error).toHaveBeenCalledWith(
      expect.objectContaining({ meter: 'E-1' }),
      'a gap could not be healed',
    );
  });
  test('goes on without the disk', async () => {
    vi.spyOn(gaps, 'add').mockImplementation(() => {
      throw new Error('no space left');
    });
    const care = careFor();
    expect(() => care.polled('E-1', read)).not.toThrow();
    await care.idle();
    expect(log.warn).toHaveBeenCalledWith(expect.anything(), 'a gap cannot be kept on the disk');
  });
});
