import { expect, test } from 'vitest';
import { LineQueue, type Priority } from './line-queue.ts';

const all = (): boolean => true;
const filled = (...names: string[]): LineQueue<{ name: string; priority: Priority }> => {
  const queue = new LineQueue<{ name: string; priority: Priority }>();
  for (const name of names) queue.add({ name, priority: name.startsWith('live') ? 'live' : 'poll' });
  return queue;
};
const order = (queue: ReturnType<typeof filled>): string[] => {
  const names: string[] = [];
  for (let entry = queue.next(all); entry !== null; entry = queue.next(all)) names.push(entry.name);
  return names;
};

test.each<[string, string[], string[]]>([
  ['polls are served in the order in which they came', ['a', 'b', 'c'], ['a', 'b', 'c']],
  [
    'who waits in person goes before all polls',
    ['a', 'b', 'live 1', 'live 2'],
    ['live 1', 'live 2', 'a', 'b'],
  ],
  [
    'after four live requests in a row one poll has its turn',
    ['a', 'b', ...'123456789'].map((name) => (name > '9' ? name : `live ${name}`)),
    [...'1234', 'a', ...'5678', 'b', '9'].map((name) => (name > '9' ? name : `live ${name}`)),
  ],
])('%s', (_title, came, served) => {
  expect(order(filled(...came))).toEqual(served);
});

test('who is not ready is passed over and keeps the place', () => {
  const queue = filled('a', 'b', 'live 1');
  expect(queue.next(({ name }) => name === 'b')?.name).toBe('b');
  expect(queue.next(() => false)).toBeNull();
  expect(queue.counts()).toEqual({ live: 1, poll: 1 });
  expect(order(queue)).toEqual(['live 1', 'a']);
});

test('a poll counts the live requests in a row anew', () => {
  const queue = filled('live 1', 'a');
  expect(order(queue)).toEqual(['live 1', 'a']);
  for (const name of ['live 2', 'live 3', 'live 4', 'live 5', 'b'])
    queue.add({ name, priority: name === 'b' ? 'poll' : 'live' });
  expect(order(queue)).toEqual(['live 2', 'live 3', 'live 4', 'live 5', 'b']);
});
