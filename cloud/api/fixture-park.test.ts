import { expect, test } from 'vitest';
import { Park } from '../../protocols/park.ts';
import { checkPark } from '../check-park.ts';
import { openStore } from '../store/store.ts';
import { fixturePark, monthEndMs, seedReadings } from './fixture-park.ts';

test('the park of these tests is a consistent document, and its readings are stored whole', async () => {
  expect(checkPark(Park.parse(fixturePark))).toEqual([]);
  const store = await openStore({ file: ':memory:' });
  await seedReadings(store);
  expect(await store.quarantineCount()).toBe(0);
  expect(new Set((await store.lastReadings()).map(({ atMs }) => atMs))).toEqual(new Set([monthEndMs]));
  await store.close();
});
