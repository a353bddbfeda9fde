import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { registerWords } from '../../protocols/modbus/registers.ts';
import { ProfileRegister } from '../../protocols/profile.ts';
import { bridgeableHole, CONVERTER_COST, planRequests } from './plan-requests.ts';

const register = (address: number, type = 'u32'): ProfileRegister =>
  ProfileRegister.parse({ obis: '1-0:1.8.0', name: 'r', address, type, unit: 'kWh' });
const plan = (addresses: number[], maxRegisters = 125, longestHole = 24): [number, number][] =>
  planRequests(
    addresses.map((address) => register(address)),
    { maxRegisters, longestHole },
  ).map(({ address, count }) => [address, count]);

const costOf = (requests: readonly { count: number }[], longestHole: number): number =>
  requests.reduce((sum, { count }) => sum + count + longestHole + 0.5, 0);

/** What it would cost to fill each request before the next one begins. */
function greedyCost(
  registers: readonly ProfileRegister[],
  maxRegisters: number,
  longestHole: number,
): number {
  const requests: { address: number; count: number }[] = [];
  for (const { address, type } of [...registers].sort((a, b) => a.address - b.address)) {
    const open = requests.at(-1);
    const end = address + registerWords(type);
    if (
      open === undefined ||
      address - (open.address + open.count) > longestHole ||
      end - open.address > maxRegisters
    )
      requests.push({ address, count: end - address });
    else open.count = Math.max(open.count, end - open.address);
  }
  return costOf(requests, longestHole);
}

describe('requests are as few as the wire makes worth while', () => {
  test.each<[string, number[], [number, number][]]>([
    ['touching registers share one', [0, 2, 4], [[0, 6]]],
    ['any order gives the same', [4, 0, 2], [[0, 6]]],
    ['a hole of 24 is read through', [0, 26], [[0, 28]]],
    [
      'a hole of 25 is not',
      [0, 27],
      [
        [0, 2],
        [27, 2],
      ],
    ],
    ['one address twice is read once', [8, 8], [[8, 2]]],
    ['overlapping registers are read once', [8, 9], [[8, 3]]],
    ['the last register of all', [65534], [[65534, 2]]],
    ['nothing', [], []],
  ])('%s', (_title, addresses, expected) => {
    expect(plan(addresses)).toEqual(expected);
  });
  test('no request exceeds the model, and none splits a register', () => {
    expect(plan([0, 2, 4, 6], 5)).toEqual([
      [0, 4],
      [4, 4],
    ]);
  });
  test('a request that must end before the model does ends where the longest hole is', () => {
    expect(plan([0, 12, 14, 16], 16, 24)).toEqual([
      [0, 2],
      [12, 6],
    ]);
  });
  test('offsets lead to the register in its answer', () => {
    const [request] = planRequests([register(10), register(14)], { maxRegisters: 125, longestHole: 24 });
    expect(request?.registers.map(({ offset }) => offset)).toEqual([0, 8]);
  });
  test('any registers: each once, within its request, within the bounds', () => {
    const registers = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 400 }), fc.constantFrom('u16', 'u32', 'u64')),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(
        registers,
        fc.integer({ min: 4, max: 125 }),
        fc.integer({ min: 0, max: 60 }),
        (rows, maxRegisters, longestHole) => {
          const all = rows.map(([address, type]) => register(address, type));
          const requests = planRequests(all, { maxRegisters, longestHole });
          expect(costOf(requests, longestHole)).toBeLessThanOrEqual(
            greedyCost(all, maxRegisters, longestHole),
          );
          expect(requests.reduce((sum, { registers: planned }) => sum + planned.length, 0)).toBe(all.length);
          for (const { address, count, registers: planned } of requests) {
            expect(count).toBeLessThanOrEqual(maxRegisters);
            for (const { register: r, offset } of planned) {
              expect(address + offset / 2).toBe(r.address);
              expect(offset / 2 + registerWords(r.type)).toBeLessThanOrEqual(count);
            }
          }
        },
      ),
      { seed: 1 },
    );
  });
});

describe('the longest hole worth reading through', () => {
  test.each([
    [CONVERTER_COST, 22],
    [{ baudRate: 9600, turnaroundMilliseconds: 0 }, 8],
    [{ baudRate: 2400, turnaroundMilliseconds: 30 }, 12],
    [{ baudRate: 115200, turnaroundMilliseconds: 30 }, 189],
  ])('%j is %i registers', (cost, registers) => {
    expect(bridgeableHole(cost)).toBe(registers);
  });
});
