import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openPushQuarantine } from './push-quarantine.ts';

const NOW = Date.UTC(2026, 8, 10);
const MINUTE = 60_000;
const entry = (topic = 'a', code = 'not_json') => ({ topic, client: 'c', meter: null, code, detail: 'd' });
const bytes = (length: number) => new Uint8Array(length).fill(0xab);

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-quarantine-'));
  file = join(folder, 'push-quarantine.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('the first of a kind is kept, then one every ten minutes; another kind at once', () => {
  const { add, recent } = openPushQuarantine(file);
  expect(add(entry(), bytes(3), NOW)).toBe(true);
  expect(add(entry(), bytes(3), NOW + 9 * MINUTE)).toBe(false);
  expect(add(entry('a', 'not_utf8'), bytes(3), NOW)).toBe(true);
  expect(add(entry('b'), bytes(3), NOW)).toBe(true);
  expect(add(entry(), bytes(3), NOW + 10 * MINUTE)).toBe(true);
  expect(recent()).toHaveLength(4);
  expect(recent()[0]).toEqual({ ...entry(), at: '2026-09-10T00:00:00Z', bytes: 3, payload: 'ababab' });
});

test('a large payload is kept in part, with its length', () => {
  const { add, recent } = openPushQuarantine(null);
  add(entry(), bytes(60_000), NOW);
  expect(recent()[0]).toMatchObject({ bytes: 60_000, payload: 'ab'.repeat(1024) });
});

test('it is there after a restart; a line that a power cut left unfinished is passed over', () => {
  const before = openPushQuarantine(file);
  before.add(entry('a'), bytes(1), NOW);
  before.add(entry('b'), bytes(1), NOW);
  appendFileSync(file, '{"at":"2026-');
  expect(openPushQuarantine(file).recent()).toEqual(before.recent());
  expect(statSync(file).mode & 0o077).toBe(0);
});

test('file and memory stay bounded, and the newest are kept', () => {
  const { add, recent } = openPushQuarantine(file);
  for (let index = 0; index < 2000; index += 1) add(entry(`${index}`), bytes(2000), NOW);
  expect(recent()).toHaveLength(50);
  expect(recent().at(-1)?.topic).toBe('1999');
  expect(statSync(file).size + statSync(`${file}.old`).size).toBeLessThan(1.1 * 1024 * 1024);
  expect(
    openPushQuarantine(file)
      .recent()
      .map(({ topic }) => topic),
  ).toEqual(recent().map(({ topic }) => topic));
});

test('a disk that takes nothing is told of, and nothing else', () => {
  const faults: unknown[] = [];
  const { add, recent } = openPushQuarantine(join(folder, 'no', 'such', 'folder'), (error) =>
    faults.push(error),
  );
  expect(add(entry(), bytes(1), NOW)).toBe(true);
  expect(faults).toHaveLength(1);
  expect(recent()).toHaveLength(1);
  expect(existsSync(file)).toBe(false);
});

test('lines are JSON', () => {
  openPushQuarantine(file).add(entry('a\n"b"'), bytes(1), NOW);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ topic: 'a\n"b"' });
});
