/**
 * Blocks of registers that a Modbus meter froze at the end of each day or month. Word 0 of a block is the year from 2000
 * and the month, word 1 the day and the hour, one byte each; the registers follow. The newest block stands first.
 */
import { z } from 'zod';
import { Decimal } from '../decimal.ts';
import type { FrozenRecord } from '../frozen-value.ts';
import { plainTime } from '../meter-time.ts';
import { Obis } from '../obis.ts';
import { type Decoded, registerDecoder, registerWords } from './registers.ts';

const Address = z.int().min(0).max(65535);

export const ModbusHistory = z.strictObject({
  /** Finer ones first. */
  series: z
    .array(
      z.strictObject({
        every: z.enum(['day', 'month']),
        address: Address,
        /** From a block to the one before it. */
        stride: z.int().min(3).max(1000),
        count: z.int().min(1).max(1000),
      }),
    )
    .min(1),
  /** u16 registers that each frozen value is multiplied by: PT and CT where the meter freezes the secondary side. */
  multipliers: z.array(Address).max(4).default([]),
  registers: z
    .array(
      z.strictObject({
        obis: Obis,
        /** Its first word, counted from the block's. */
        word: z.int().min(2).max(124),
        type: z.enum(['u32', 'i32', 'u64', 'i64', 'bcd32']),
        order: z.enum(['ABCD', 'CDAB', 'BADC', 'DCBA']).default('ABCD'),
        scale: Decimal.default('1'),
        /**
         * The meter freezes more than this register, unless that one has never counted: a combined total is the import
         * total as long as there is no export.
         */
        unless: Obis.optional(),
      }),
    )
    .min(1),
});
export type ModbusHistory = z.infer<typeof ModbusHistory>;
export type FrozenRegister = ModbusHistory['registers'][number];

/** Words of a block that have to be read for these registers. */
export const blockWords = (registers: readonly FrozenRegister[]): number =>
  Math.max(2, ...registers.map(({ word, type }) => word + registerWords(type)));

/** Address of the block `back` days or months ago, from 1. */
export const blockAddress = ({ address, stride }: ModbusHistory['series'][number], back: number): number =>
  address + (back - 1) * stride;

export type FrozenBlock = ({ ok: true } & FrozenRecord) | { ok: false; code: 'empty' | 'bad_time' };

/**
 * @param bytes those of a block from its first word on, at least `blockWords(registers)` words
 * @param multiplier the product of the meter's multipliers
 */
export function decodeBlock(
  registers: readonly FrozenRegister[],
  bytes: Uint8Array,
  multiplier: bigint,
): FrozenBlock {
  const stamp = bytes.subarray(0, 4);
  if (stamp.every((byte) => byte === 0xff)) return { ok: false, code: 'empty' };
  const [year = 0, month = 0, day = 0, hour = 0] = stamp;
  const at = year > 99 ? null : plainTime({ year: 2000 + year, month, day, hour });
  if (at === null) return { ok: false, code: 'bad_time' };
  const values = registers.map((register) => {
    const from = register.word * 2;
    const own = bytes.subarray(from, from + registerWords(register.type) * 2);
    const decoded = multiplied(registerDecoder(register)(bytes, from), multiplier);
    return { obis: register.obis, decoded, raw: Uint8Array.of(...stamp, ...own) };
  });
  return { ok: true, at, values };
}

const multiplied = (decoded: Decoded, multiplier: bigint): Decoded =>
  decoded.value === null ? decoded : { value: decoded.value * multiplier };
