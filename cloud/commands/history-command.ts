/** What the commands over files of history have alike: how they refuse, fail, and tell what they left out. */

const LISTED = 10;

export function refuse(...lines: string[]): number {
  for (const line of lines) console.error(line);
  return 2;
}

/** @param refusal the kind of error that means a file was refused */
export async function withoutFault(
  command: string,
  refusal: new (...parts: never[]) => Error,
  work: () => Promise<number>,
): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const isRefusal = error instanceof refusal || (error as NodeJS.ErrnoException).code === 'ENOENT';
    console.error(isRefusal ? (error as Error).message : `meterline ${command}: ${(error as Error).message}`);
    return isRefusal ? 2 : 3;
  }
}

export function describeUnlisted(file: string, unlisted: ReadonlyMap<string, number>): string[] {
  if (unlisted.size === 0) return [];
  const rows = [...unlisted.values()].reduce((a, b) => a + b, 0);
  const names = [...unlisted.keys()].slice(0, LISTED).join(', ');
  return [
    `${file}: ${rows} rows of ${unlisted.size} meters that the list does not name were left out: ${names}`,
  ];
}
