import { expect, test } from 'vitest';
import { openStore } from './store.ts';

test('the park document imported last is in force, also when it is an earlier one again', async () => {
  const store = await openStore({ file: ':memory:' });
  const park = { digest: 'd1', importedAt: '2026-09-01T00:00:00Z', document: '{}' };
  expect(await store.putPark(park)).toEqual({ added: true });
  expect(await store.putPark(park)).toEqual({ added: false });
  await store.putPark({ ...park, digest: 'd2' });
  expect((await store.currentPark())?.digest).toBe('d2');
  expect(await store.putPark(park)).toEqual({ added: true });
  expect((await store.currentPark())?.digest).toBe('d1');
  await store.close();
  await expect(store.currentPark()).rejects.toThrow('closed');
});
