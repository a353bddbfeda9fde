/** Child of the mutants' test: loads everything with one defect, and says what its check found. Argument: the mutant's name. */
import { join } from 'node:path';
import { startVitest } from 'vitest/node';
import type { Mutant } from './mutants.ts';
import { mutantNamed, mutated, plantMutant, ROOT } from './plant-mutant.ts';

/** A defect that no world of these shows is not caught. */
const MOST_WORLDS = 500;

const mutant = mutantNamed(process.argv[2]);
const { caughtBy } = mutant;
const caught = 'worlds' in caughtBy ? await inWorlds(mutant, caughtBy) : await inTests(mutant, caughtBy);
process.send?.(caught, () => process.exit());

/** @returns the first fault; null: none */
async function inWorlds(
  defect: Mutant,
  { worlds, every = 1 }: { worlds: number; every?: number },
): Promise<string | null> {
  plantMutant(defect);
  const { tortureWorld } = await import('./worlds.ts');
  const { newTally } = await import('./tally.ts');
  for (let number = worlds; number < worlds + MOST_WORLDS * every; number += every) {
    const tally = newTally();
    try {
      tortureWorld(number, tally);
    } catch (error) {
      tally.findings.push(`world ${number}: ${error}`);
    }
    if (tally.findings[0] !== undefined) return tally.findings[0];
  }
  return null;
}

/** @returns the title of a test that fails; null: all pass */
async function inTests(
  defect: Mutant,
  { tests, title }: { tests: string; title: string },
): Promise<string | null> {
  let applied = false;
  const target = join(ROOT, defect.file);
  const vitest = await startVitest(
    'test',
    [tests],
    {
      root: ROOT,
      watch: false,
      reporters: [{}],
      testNamePattern: title,
      fileParallelism: false,
      pool: 'threads',
    },
    {
      plugins: [
        {
          name: 'mutant',
          enforce: 'pre',
          transform(source: string, id: string) {
            if (id !== target) return null;
            applied = true;
            return mutated(defect, source);
          },
        },
      ],
    },
  );
  const failed = vitest.state
    .getTestModules()
    .flatMap((module) => [...module.children.allTests('failed')])
    .map(({ fullName }) => fullName);
  const broken = vitest.state.getTestModules().flatMap((module) => module.errors());
  await vitest.close();
  if (!applied || broken.length > 0) throw new Error(`${tests} could not be run: ${broken[0]?.message}`);
  return failed[0] ?? null;
}
