import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, test, vi } from 'vitest';
import { billingContract } from './billing-contract.ts';
import { readingsContract } from './contract.ts';
import { openDatabase } from './sqlite/open-database.ts';
import { operations } from './sqlite/operations.ts';
import { subjectOf } from './sqlite/test-subject.ts';
import type { Store } from './store.ts';

type Rewrite = (sql: string) => string;

/** Every SQL text of the store goes through `rewrite`: the store as it would be with that defect. */
function plant(rewrite: Rewrite): void {
  const { exec, prepare } = DatabaseSync.prototype;
  vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementation(function (this: DatabaseSync, sql) {
    exec.call(this, rewrite(sql));
  });
  vi.spyOn(DatabaseSync.prototype, 'prepare').mockImplementation(function (this: DatabaseSync, sql) {
    return prepare.call(this, rewrite(sql));
  });
}

afterEach(() => {
  vi.restoreAllMocks();
});

/** Titles of the contract's cases that fail. */
async function failures(): Promise<string[]> {
  const failed: string[] = [];
  for (const { title, check } of [...readingsContract, ...billingContract]) {
    const database = openDatabase(':memory:');
    const table: Record<string, (...args: never[]) => unknown> = { ...operations(database) };
    const store = new Proxy({} as Store, {
      get:
        (_, name) =>
        async (...args: never[]) =>
          structuredClone(table[String(name)]?.(...args)),
    });
    await check(subjectOf(store, database)).catch(() => failed.push(title));
    database.close();
  }
  return failed;
}

const without = (part: string | RegExp, instead = ''): Rewrite => {
  return (sql) => sql.replace(part, instead);
};

/** The defect, and what the title of a case that catches it says. */
const mutants: [string, Rewrite, RegExp][] = [
  ['no trigger protects a row', without(/CREATE TRIGGER [^;]*;[^;]*END;/g), /refuses to change.* reading/],
  ['REPLACE slips past the triggers', without('PRAGMA recursive_triggers=ON;'), /refuses to change.* charge/],
  [
    'no UNIQUE (gateway, epoch, sequence)',
    without('UNIQUE (gateway, epoch, sequence),'),
    /another payload under a known sequence/,
  ],
  [
    'a conflict overwrites',
    without(
      /(INSERT INTO reading [\s\S]*)ON CONFLICT DO NOTHING/,
      '$1ON CONFLICT DO UPDATE SET value = excluded.value',
    ),
    /another value of a register/,
  ],
  [
    'the last value is the last to arrive',
    without('WHERE excluded.instant > instant'),
    /newest by its instant/,
  ],
  [
    'a mark is cleared whatever came since',
    without('AND version = ?', 'AND version <> -?'),
    /cleared only as it was seen/,
  ],
  [
    'registers pass through floats',
    without('VALUES (?, ?, ?, ?, ?,', 'VALUES (?, ?, ?, ?, CAST(? * 1.0 AS INTEGER),'),
    /exactly as it was sent/,
  ],
  ['no transaction', without(/^(BEGIN IMMEDIATE|COMMIT)$/), /nothing of the run is kept/],
  [
    'an entry may be out of balance',
    without("SELECT RAISE(ABORT, 'the postings of an entry must sum to zero')", 'SELECT 1'),
    /does not sum to zero/,
  ],
  ['foreign keys are not enforced', without('foreign_keys=ON', 'foreign_keys=OFF'), /an entry of no charge/],
  [
    'a charge may be posted twice',
    (sql) =>
      sql
        .replace('  key TEXT NOT NULL UNIQUE', '  key TEXT NOT NULL')
        .replaceAll('REFERENCES charge (key)', ''),
    /unique for ever/,
  ],
];

test('without a defect every case of the contract passes', async () => {
  expect(await failures()).toEqual([]);
});

test.each(mutants)('a case of the contract catches: %s', async (_, rewrite, caughtBy) => {
  plant(rewrite);
  expect(await failures()).toEqual(expect.arrayContaining([expect.stringMatching(caughtBy)]));
});
