/** One misbehaviour of a meter on M-Bus as data (`mbus-behaviours.yaml`): what it does, and what must come of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Id } from '../../protocols/reading.ts';
import { checkYaml } from '../../protocols/yaml-document.ts';

const Hex = z.string().regex(/^([0-9a-f]{2})*$/, 'not whole bytes of hex');
const Byte = z.int().min(0).max(255);

/** The right telegram, with what is not right about it. */
const Answer = z.strictObject({
  address: Byte.optional(),
  /** Whom the header names. */
  secondary: z
    .string()
    .regex(/^[0-9A-F]{16}$/)
    .optional(),
  ci: Byte.optional(),
  /** All that follows the control information. */
  data: Hex.optional(),
  /** What follows the header. */
  records: Hex.optional(),
  /** What both length bytes say above (or below) the truth. */
  lengths: z.tuple([z.int(), z.int()]).optional(),
  badChecksum: z.boolean().optional(),
  /** Only these bytes of the frame: first, and the one after the last. */
  bytes: z.tuple([z.int(), z.int()]).optional(),
});
export type MbusAnswerChange = z.infer<typeof Answer>;

/** `previous` is the last telegram before this request; what follows each other without a wait goes out in one piece. */
const Step = z.union([
  z.enum(['answer', 'ack', 'echo', 'previous']),
  z.strictObject({ answer: Answer }),
  z.strictObject({ raw: Hex }),
  z.strictObject({ waitMilliseconds: z.number().min(0) }),
  /** A wait as a multiple of the asker's timeout. */
  z.strictObject({ waitTimeouts: z.number().min(0) }),
  /** From here on byte by byte, with this gap after each. */
  z.strictObject({ byteGapMilliseconds: z.number().positive() }),
]);
export type MbusStep = z.infer<typeof Step>;

/** Of one read: `value` all registers right; `exception N`; the line's fault; or register by register, value or code. */
const Outcome = z.union([
  z.string().regex(/^(value|exception \d{1,3}|[a-z_]+)$/),
  z.record(z.string(), z.string()),
]);
export type MbusOutcome = z.infer<typeof Outcome>;

const Turns = z
  .array(z.array(Step))
  .min(1)
  .default([['answer']]);

const MbusBehaviour = z.strictObject({
  id: Id,
  en: z.string().min(1),
  zh: z.string().min(1),
  /** How the meter is addressed. */
  by: z.enum(['primary', 'secondary']).default('primary'),
  /** What it does on the first reset or selection, the second, ...; then from the first again. */
  resets: Turns,
  /** The same on requests for data. */
  turns: Turns,
  /** What successive reads must come to. */
  expect: z.array(Outcome).min(1),
  timeoutMilliseconds: z.int().positive().default(150),
});
export type MbusBehaviour = z.infer<typeof MbusBehaviour>;

const file = join(import.meta.dirname, 'mbus-behaviours.yaml');

/** All that are shipped. @throws Error naming line and key when the file is broken */
export function readMbusBehaviours(): MbusBehaviour[] {
  const checked = checkYaml(z.array(MbusBehaviour), readFileSync(file, 'utf8'), file);
  if (!checked.ok) throw new Error(checked.errors.join('\n'));
  return checked.value;
}
