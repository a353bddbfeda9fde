/** A process with a defect in it: what it imports from here on is changed on its way in. */
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Mutant, mutants } from './mutants.ts';

export const ROOT = join(import.meta.dirname, '..');

/** @throws Error when there is none of this name */
export function mutantNamed(name: string | undefined): Mutant {
  const mutant = mutants.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant "${name}"`);
  return mutant;
}

/** @throws Error when the code has moved away from under the mutant */
export function mutated({ file, find, instead }: Mutant, source: string): string {
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`${file} holds the text of its mutant ${parts.length - 1} times`);
  return parts.join(instead);
}

export function plantMutant(mutant: Mutant): void {
  const target = pathToFileURL(join(ROOT, mutant.file)).href;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      return url === target ? { ...loaded, source: mutated(mutant, String(loaded.source)) } : loaded;
    },
  });
}
