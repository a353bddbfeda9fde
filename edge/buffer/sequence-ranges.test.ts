import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SequenceRanges } from './sequence-ranges.ts';

test('knows what a set of single sequences knows, whatever was added and removed', () => {
  const step = fc.oneof(
    fc.record({ from: fc.integer({ min: 1, max: 40 }), length: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ removeTo: fc.integer({ min: 0, max: 50 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const ranges = new SequenceRanges();
      const single = new Set<number>();
      for (const one of steps) {
        if ('removeTo' in one) {
          ranges.removeTo(one.removeTo);
          for (const sequence of [...single]) if (sequence <= one.removeTo) single.delete(sequence);
          continue;
        }
        const to = one.from + one.length - 1;
        ranges.add(one.from, to);
        for (let sequence = one.from; sequence <= to; sequence += 1) single.add(sequence);
      }
      for (let sequence = 1; sequence <= 60; sequence += 1) {
        expect(ranges.has(sequence)).toBe(single.has(sequence));
        let missing = sequence;
        while (single.has(missing)) missing += 1;
        expect(ranges.firstMissing(sequence)).toBe(missing);
        expect(ranges.covers(sequence, sequence + 2)).toBe([0, 1, 2].every((k) => single.has(sequence + k)));
      }
    }),
    { seed: 1, numRuns: 500 },
  );
});
