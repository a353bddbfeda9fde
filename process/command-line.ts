/** How a command takes its words: `--help` is told, and of words that are wrong the usage, then, where it is seen, what is wrong. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

const USAGE_ERROR = 2;
const help = { help: { type: 'boolean' } } as const;

type Options = NonNullable<ParseArgsConfig['options']>;

export interface CommandForm<O extends Options> {
  name: string;
  usage: string;
  options: O;
  /** Words without a name in front of them. */
  words?: boolean;
}

type Parsed<O extends Options> = ReturnType<
  typeof parseArgs<{ options: O & typeof help; allowPositionals: true }>
>;
export type TakenWords<O extends Options> = Pick<Parsed<O>, 'values' | 'positionals'> | { exitCode: number };

/** The command's words, or the exit code that it ends with. */
export function takeWords<const O extends Options>(
  args: string[],
  { name, usage, options, words = false }: CommandForm<O>,
): TakenWords<O> {
  let parsed: Parsed<O>;
  try {
    // Without leave for them it throws where there are any: the shape is the same.
    parsed = parseArgs({ args, options: { ...options, ...help }, allowPositionals: words }) as Parsed<O>;
  } catch (error) {
    return { exitCode: refuseWords({ name, usage }, error instanceof Error ? error.message : String(error)) };
  }
  if ((parsed.values as { help?: boolean }).help !== true) return parsed;
  // biome-ignore lint/suspicious/noConsole: it speaks for the command
  console.log(usage);
  return { exitCode: 0 };
}

/** @returns the exit code */
export function refuseWords({ name, usage }: { name: string; usage: string }, message: string): number {
  // biome-ignore lint/suspicious/noConsole: it speaks for the command
  console.error(`${usage}\n\nmeterline ${name}: ${message}`);
  return USAGE_ERROR;
}
