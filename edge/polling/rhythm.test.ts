import { expect, test } from 'vitest';
import { Rhythm, registerList } from './rhythm.ts';

const model = {};
const registers = registerList(model, ['a', 'b', 'c']);
const read = (...codes: string[]) => codes.map((obis) => ({ register: { obis } }));
const rhythm = (acceptedMs: (obis: string) => number | null = () => null) =>
  new Rhythm({ everyMs: 100, registers, acceptedMs });

test('all is due at first and with each beat, and always as the same set', () => {
  const one = rhythm();
  expect(one.due(250)).toBe(registers.all);
  one.noteRead(read('a', 'b', 'c'), 250);
  expect([...one.due(299)]).toEqual([]);
  expect(one.due(300)).toBe(registers.all);
  expect(one.nextBeatMs(250)).toBe(300);
});

test('what was read for the beat is no longer due; what belongs to another rhythm does not count', () => {
  const one = rhythm();
  one.noteRead(read('b', 'of another'), 250);
  expect([...one.due(299)]).toEqual(['a', 'c']);
});

test('what was asked for in vain is due with the next beat', () => {
  const one = rhythm();
  one.noteAsked(250);
  expect([...one.due(299)]).toEqual([]);
  expect(one.due(300)).toBe(registers.all);
});

test.each<[string, number, string[]]>([
  ['for this beat is not due', 210, ['b', 'c']],
  ['for one before is due', 199, ['a', 'b', 'c']],
  ['by a clock that ran ahead is due', 401, ['a', 'b', 'c']],
])('what an earlier process read %s', (_title, acceptedMs, due) => {
  expect([...rhythm((obis) => (obis === 'a' ? acceptedMs : null)).due(300 - 1)]).toEqual(due);
});

test('what this process read counts for more than what one before it did', () => {
  const one = rhythm(() => 210);
  one.noteRead(read('a'), 100);
  expect([...one.due(250)]).toEqual(['a']);
});

test('meters of a model share a list', () => {
  expect(registerList(model, ['a', 'b', 'c'])).toBe(registers);
  expect(registerList(model, ['a', 'b'])).not.toBe(registers);
  expect(registerList({}, ['a', 'b', 'c'])).not.toBe(registers);
});
