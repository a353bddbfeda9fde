/** A scan over the gateway's API finds what the command finds: meters whose addresses are no Modbus units. */
import { afterEach, expect, test } from 'vitest';
import { modelsToSearch } from '../edge/commissioning/search-addresses.ts';
import type { Bus } from '../edge/config.ts';
import { isAsked } from '../edge/drivers/asked-profile.ts';
import { cleanUp, profiles, startTestServer, testGateway } from '../edge/http/test-server.ts';
import { Line } from '../edge/line/line.ts';
import { micro } from '../protocols/units.ts';
import { dlt645Meter, framedLine } from '../simulators/meters/framed-meters.ts';
import { startTransparentConverter } from '../simulators/meters/transparent-line.ts';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function scanOf(addresses: string[]): Promise<Record<string, unknown>[]> {
  const profile = profiles.get('dlt645-2007-1ph');
  if (!isAsked(profile) || profile.protocol !== 'dlt645') throw new Error('there is no such profile');
  const meters = addresses.map((address) => dlt645Meter(profile, address, () => micro('0.5')));
  const converter = await startTransparentConverter(framedLine(meters));
  stops.push(() => converter.close());
  const bus: Bus = {
    id: 'floor-1',
    link: { kind: 'rtu-over-tcp', host: '127.0.0.1', port: converter.port },
    timeoutMilliseconds: 200,
    meters: [],
  };
  const line = new Line(bus);
  cleanUp(() => line.close());
  const { post } = await startTestServer({ gateway: testGateway(bus, line, '/nowhere', []) });
  const answer = await post('/api/v1/buses/floor-1/scan', { units: [1], timeoutMilliseconds: 20 });
  return answer.body
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text));
}

test('a meter of DL/T 645 that is alone is found by its own address, after the units', async () => {
  const events = await scanOf(['202411087654']);
  expect(events.map(({ type }) => type)).toEqual([
    ...['start', 'progress', 'searching', 'found', 'searching', 'done'],
  ]);
  expect(events.find(({ type }) => type === 'found')).toMatchObject({
    meter: { unit: '202411087654', profile: 'dlt645-2007-1ph', registers: { '1-0:1.8.0': '0.5' } },
  });
  expect(events.at(-1)).toMatchObject({ probed: 1, found: 1, unclear: [] });
});

test('where several answer at once it says that it is unclear who does', async () => {
  expect((await scanOf(['000000000001', '000000000002'])).at(-1)).toMatchObject({
    ...{ type: 'done', found: 0, unclear: ['lone'] },
  });
});

test('a line that is known to have two meters of a protocol is not asked for one that is alone', () => {
  const protocols = (listed: { profile: string; unit: string }[]) =>
    new Set(modelsToSearch(profiles, listed).map(({ protocol }) => protocol));
  const one = { profile: 'dlt645-2007-1ph', unit: '000000000001' };
  expect(protocols([one])).toContain('dlt645');
  expect(protocols([one, { ...one, unit: '000000000002' }])).not.toContain('dlt645');
  expect(protocols([one, { ...one, unit: '000000000002' }])).toContain('cjt188');
});
