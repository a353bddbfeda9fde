/** The house rules, as a test: who may import whom, what a pure folder may not say, how long a file may be. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = import.meta.dirname;
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)));
const sources = tracked
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));
const isTest = (file: string): boolean => /\.test\.tsx?$/.test(file);
const room = (file: string): string => (file.includes('/') ? file.slice(0, file.indexOf('/')) : 'top');

interface Import {
  /** The module as written, or the path from the root for a relative one. */
  target: string;
  typeOnly: boolean;
}

function importsOf(file: string, text: string): Import[] {
  const found: Import[] = [];
  const pattern =
    /^\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/gm;
  for (const [, type, fixed, dynamic] of text.matchAll(pattern)) {
    const written = fixed ?? dynamic ?? '';
    const target = written.startsWith('.') ? normalize(join(dirname(file), written)) : written;
    found.push({ target, typeOnly: type !== undefined });
  }
  return found;
}

const rooms = [
  'protocols',
  'process',
  'edge',
  'cloud',
  'simulators',
  'dashboards',
  'bench',
  'torture',
  'compose',
  'whole-line',
];
/** What each room may take from the others; itself is always allowed. */
const allowed: Record<string, string[]> = {
  protocols: [],
  // What every process stands on; it knows no meter and no bill.
  process: ['protocols'],
  edge: ['protocols', 'process'],
  cloud: ['protocols', 'process'],
  simulators: ['protocols', 'process'],
  dashboards: [],
  // They measure and torment the rooms from outside, and nobody imports them.
  bench: ['protocols', 'process', 'edge', 'cloud', 'simulators'],
  torture: ['protocols', 'process', 'edge', 'cloud', 'simulators', 'bench'],
  // It writes the files that the others read, and nobody imports it.
  compose: ['protocols', 'process', 'edge', 'cloud', 'simulators'],
};
/** Pure modules that replay a statement, in the page as on the server. */
const replay = /^cloud\/billing\//;

/** What changes a meter, and the one file each that may send it; simulated meters hear it. */
const changesMeters: Record<string, string> = {
  'protocols/dlt645/time-broadcast.ts': 'edge/commands/sync-time.ts',
};

/** @returns why `file` may not have this import, or null */
function importRefusal(file: string, { target, typeOnly }: Import): string | null {
  const from = room(file);
  // The command line, and the tests of several rooms together.
  if (from === 'top' || from === 'whole-line') return null;
  if (target === 'process/peers.ts') return isTest(file) ? null : 'only tests name peers';
  if (/^[^/]+\.tsx?$/.test(target)) return `${target} stands at the top: it is for the command line alone`;
  const to = rooms.includes(target.slice(0, Math.max(target.indexOf('/'), 0))) ? room(target) : null;
  if (from === 'dashboards' && to === 'protocols') return null;
  if (from === 'dashboards' && to === 'cloud')
    return typeOnly || replay.test(target) ? null : 'dashboards take types and the replay of statements';
  if (to !== null && to !== from && !allowed[from]?.includes(to)) return `${from} may not import ${to}`;
  if (isTest(file)) return null;
  const sender = changesMeters[target];
  if (sender !== undefined && file !== sender && from !== 'simulators')
    return `only ${sender} changes a meter`;
  return purityRefusal(file, target, to);
}

const pureFolders = ['protocols/', 'cloud/metering/', 'cloud/billing/', 'cloud/ledger/'];
const isPure = (file: string): boolean =>
  pureFolders.some((folder) => file.startsWith(folder)) && !isTest(file);

function purityRefusal(file: string, target: string, to: string | null): string | null {
  if (!isPure(file)) return null;
  const packages = file.startsWith('protocols/') ? ['zod', 'yaml'] : ['zod'];
  if (to === null && !packages.includes(target)) return `a pure core imports no ${target}`;
  if (/^cloud\/(store|api|jobs)\//.test(target)) return 'a pure core knows no store, api or job';
  if (file.startsWith('cloud/billing/') && target.startsWith('cloud/ledger/'))
    return 'billing does not know the ledger';
  if (file.startsWith('cloud/ledger/') && target.startsWith('cloud/billing/'))
    return 'the ledger does not know billing';
  return null;
}

/** Clocks, chance and floats, none of which a pure core may reach for. */
const impureWords =
  /\bDate\.now\b|\bnew Date\b|\bTemporal\.Now\b|\bMath\.random\b|\bparseFloat\b|\bNumber\(|\.toFixed\b/;
const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');

describe('imports', () => {
  test.each(sources.filter(({ file }) => room(file) !== 'top'))(
    '$file keeps the import rule',
    ({ file, text }) => {
      const refusals = importsOf(file, text).flatMap((one) => importRefusal(file, one) ?? []);
      expect(refusals).toEqual([]);
    },
  );

  test.each([
    ['edge/poll.ts', 'cloud/ingest.ts'],
    ['cloud/ingest.ts', 'edge/poll.ts'],
    ['protocols/reading.ts', 'edge/poll.ts'],
    ['protocols/reading.ts', 'node:fs'],
    ['simulators/park.ts', 'cloud/ingest.ts'],
    ['cloud/billing/tiers.ts', 'cloud/ledger/post-charges.ts'],
    ['cloud/metering/vee.ts', 'cloud/store/store.ts'],
    ['dashboards/staff/app.tsx', 'cloud/ingest.ts'],
    ['edge/poll.ts', 'process/peers.ts'],
    ['edge/drivers/dlt645-driver.ts', 'protocols/dlt645/time-broadcast.ts'],
    ['edge/healing/meter-care.ts', 'protocols/dlt645/time-broadcast.ts'],
    ['edge/poll.ts', 'bench/measure.ts'],
    ['cloud/service.ts', 'compose/installation.ts'],
    ['cloud/ingest.ts', 'up.ts'],
  ])('%s importing %s is refused', (file, target) => {
    expect(importRefusal(file, { target, typeOnly: false })).not.toBeNull();
  });
});

test('what changes a meter is sent by one command, which nobody but the command line loads', () => {
  for (const [message, sender] of Object.entries(changesMeters)) {
    const importers = (of: string) =>
      sources
        .filter(
          ({ file, text }) => !isTest(file) && importsOf(file, text).some(({ target }) => target === of),
        )
        .map(({ file }) => file)
        .filter((file) => room(file) !== 'simulators');
    expect(importers(message)).toEqual([sender]);
    expect(importers(sender)).toEqual(['meterline.ts']);
  }
});

describe('pure folders', () => {
  test.each(sources.filter(({ file }) => isPure(file)))('$file has no clock, chance or float', ({ text }) => {
    expect(impureWords.exec(withoutComments(text))?.[0]).toBeUndefined();
  });
  test.each(['Date.now()', 'new Date(0)', 'Number(x)', 'x.toFixed(2)', 'Math.random()'])(
    '%s would be found',
    (words) => {
      expect(impureWords.test(words)).toBe(true);
    },
  );
});

describe('files', () => {
  test.each(sources)('$file has at most 400 lines', ({ text }) => {
    expect(text.split('\n').length - 1).toBeLessThanOrEqual(400);
  });
  test.each(sources.filter(({ file }) => file !== 'tidy.test.ts'))(
    '$file has no lone or unfinished test, no FIXME',
    ({ text }) => {
      expect(
        /\b(?:it|test|describe)\.(?:only|skip|todo)\b|\bFIXME\b|\bTODO\b/.exec(text)?.[0],
      ).toBeUndefined();
    },
  );
  test('there is no drawer for odds and ends', () => {
    expect(tracked.filter((file) => /(^|\/)(utils?|helpers?|misc|common)(\/|\.ts)/.test(file))).toEqual([]);
  });
});
