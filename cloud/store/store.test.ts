import { expect, test } from 'vitest';
import { openStore } from './store.ts';

test('an imported park document is stored once and the newest is in force', async () => {
  const store = await openStore({ file: ':memory:' });
  const park = { digest: 'd1', importedAt: '2026-09-01T00:00:00Z', document: '{}' };
  expect(await store.putPark(park)).toEqual({ added: true });
  expect(await store.putPark(park)).toEqual({ added: false });
  await store.putPark({ ...park, digest: 'd2' });
  expect((await store.currentPark())?.digest).toBe('d2');
  await store.close();
  await expect(store.currentPark()).rejects.toThrow('closed');
});
