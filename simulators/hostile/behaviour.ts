/** One misbehaviour of a meter or converter as data (`behaviours.yaml`): what the device does, and what must come of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Id } from '../../protocols/reading.ts';
import { checkYaml } from '../../protocols/yaml-document.ts';

const Transport = z.enum(['tcp', 'rtu-over-tcp', 'rtu']);
export type Transport = z.infer<typeof Transport>;

const Hex = z.string().regex(/^([0-9a-f]{2})*$/, 'not whole bytes of hex');

/** The right answer, with what is not right about it. */
const Answer = z.strictObject({
  unit: z.int().min(0).max(255).optional(),
  functionCode: z.int().min(0).max(255).optional(),
  /** An exception in place of the data. */
  exception: z.int().min(0).max(255).optional(),
  /** Register bytes in place of the meter's own. */
  data: Hex.optional(),
  /** So many registers more (or less), said by the byte count as well. */
  registers: z.int().optional(),
  /** What the byte count says above (or below) the truth. */
  byteCount: z.int().optional(),
  /** How far from where it was asked the meter reads. */
  addressOffset: z.int().optional(),
  transactionOffset: z.int().optional(),
  transaction: z.int().optional(),
  protocol: z.int().optional(),
  /** The length in the header of Modbus TCP. */
  length: z.int().optional(),
  badCrc: z.boolean().optional(),
  /** Only these bytes of the frame: first, and the one after the last. */
  bytes: z.tuple([z.int(), z.int()]).optional(),
});

/** `hold` keeps the right answer for a later `held`; what follows each other without a wait goes out in one segment. */
const Step = z.union([
  z.enum(['answer', 'echo', 'hold', 'held', 'previous', 'fin', 'rst']),
  z.strictObject({ answer: Answer }),
  z.strictObject({ raw: Hex }),
  z.strictObject({ waitMilliseconds: z.number().min(0) }),
  /** A wait as a multiple of the asker's timeout. */
  z.strictObject({ waitTimeouts: z.number().min(0) }),
  /** From here on byte by byte, with this gap after each. */
  z.strictObject({ byteGapMilliseconds: z.number().positive() }),
]);
export type Step = z.infer<typeof Step>;
export type AnswerChange = z.infer<typeof Answer>;

/** Of one read: `value` all registers right; `exception N`; the line's fault; or register by register, value or code. */
const Outcome = z.union([
  z.string().regex(/^(value|exception \d{1,3}|[a-z_]+)$/),
  z.record(z.string(), z.string()),
]);
export type Outcome = z.infer<typeof Outcome>;
const Outcomes = z.array(Outcome).min(1);

const Behaviour = z.strictObject({
  id: Id,
  en: z.string().min(1),
  zh: z.string().min(1),
  over: z.array(Transport).min(1).default(['tcp', 'rtu-over-tcp', 'rtu']),
  /** What it does on the first request, the second, ...; then from the first again. */
  turns: z
    .array(z.array(Step))
    .min(1)
    .default([['answer']]),
  /** How it treats those who connect. */
  connection: z.enum(['refused', 'closed_at_once', 'one_client', 'closed_when_idle']).optional(),
  /** What successive reads must come to. */
  expect: z.union([Outcomes, z.strictObject({ tcp: Outcomes, rtu: Outcomes })]),
  /** The asker's timeout, and how long it waits between two reads. */
  timeoutMilliseconds: z.int().positive().default(150),
  restMilliseconds: z.int().min(0).default(0),
});
export type Behaviour = z.infer<typeof Behaviour>;

const file = join(import.meta.dirname, 'behaviours.yaml');

/** All that are shipped. @throws Error naming line and key when the file is broken */
export function readBehaviours(): Behaviour[] {
  const checked = checkYaml(z.array(Behaviour), readFileSync(file, 'utf8'), file);
  if (!checked.ok) throw new Error(checked.errors.join('\n'));
  return checked.value;
}

export function outcomesOver({ expect }: Behaviour, transport: Transport): Outcome[] {
  if (Array.isArray(expect)) return expect;
  return transport === 'tcp' ? expect.tcp : expect.rtu;
}
