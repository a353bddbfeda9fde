import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSigningKey, type SigningKey } from '../signing.ts';
import { openStore } from '../store/store.ts';
import { auditStore } from './audit-store.ts';
import { closePeriod } from './close-period.ts';
import { ingestHours, twoMonthPark } from './fixture-month.ts';
import { reconcileBooks } from './reconcile-books.ts';

let dir: string;
let key: SigningKey;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'meterline-audit-'));
  key = openSigningKey(dir);
  const store = await openStore({ file: join(dir, 'issued.db') });
  await ingestHours(store, '2026-11-01T00:00');
  for (const [period, issuedAt] of [
    ['2026-09', '2026-10-01T02:00:00Z'],
    ['2026-10', '2026-11-01T02:00:00Z'],
  ] as const) {
    const closed = await closePeriod({
      ...{ store, park: twoMonthPark, parkDigest: 'a'.repeat(64), period, issuedAt },
      ...{ acceptEstimates: null, signingKey: key, intervalMinutes: 60 },
    });
    if (!closed.ok) throw new Error(closed.detail);
  }
  await store.close();
}, 60_000);
afterAll(() => rmSync(dir, { recursive: true }));

const tables = [
  'billing_run',
  'statement',
  'charge',
  'posting',
  'ledger_entry',
  'outbox_event',
  'run_input',
  'run_seal',
];

/** What a database administrator does: the triggers first. */
function tamper(sql: string): string {
  const file = join(dir, 'tampered.db');
  copyFileSync(join(dir, 'issued.db'), file);
  const db = new DatabaseSync(file);
  for (const table of tables)
    for (const end of ['no_update', 'no_delete']) db.exec(`DROP TRIGGER IF EXISTS ${table}_${end}`);
  db.exec('PRAGMA foreign_keys=OFF');
  db.exec(sql);
  db.close();
  return file;
}

async function audited(file: string) {
  const store = await openStore({ file });
  try {
    return {
      audit: await auditStore(store, new Map([[key.keyId, key.publicKey]])),
      books: await reconcileBooks(store),
    };
  } finally {
    await store.close();
  }
}

test('what was issued is what was sealed, and bills, outbox and ledger agree to the cent', async () => {
  const { audit, books } = await audited(tamper(''));
  expect(audit).toMatchObject({ runs: 2, statements: 6, findings: [] });
  expect(books).toMatchObject({
    agrees: true,
    allAccounts: '0.00',
    bills: '25932.12',
    outbox: '25932.12',
    ledger: '25932.12',
  });
});

const charge =
  "(SELECT key FROM charge WHERE lease = 'L2' AND component = 'energy-flat' AND pool = 'own' AND period = '2026-09')";
const name = 'L2|electricity|energy-flat|own|2026-09|0';
test.each([
  [
    'an amount of a charge',
    `UPDATE charge SET net_minor = net_minor - 100, gross_minor = gross_minor - 100 WHERE key = ${charge}`,
    { table: 'charge', row: name },
    'amounts_differ',
  ],
  [
    'the lease of a charge',
    `UPDATE charge SET lease = 'L1' WHERE key = ${charge}`,
    { table: 'charge', row: name },
    null,
  ],
  [
    'two postings that still balance',
    `UPDATE posting SET amount_minor = amount_minor + (CASE line WHEN 0 THEN 5 WHEN 1 THEN -5 ELSE 0 END) WHERE entry = 'charge|${name}'`,
    { table: 'posting', row: `charge|${name}` },
    'amounts_differ',
  ],
  [
    'an entry that is gone',
    `DELETE FROM posting WHERE entry = 'charge|${name}'; DELETE FROM ledger_entry WHERE id = 'charge|${name}'`,
    { table: 'posting', message: '1 rows of the run are gone' },
    'not_posted',
  ],
  ['an event that was never told', `DELETE FROM outbox_event WHERE subject = '${name}'`, null, 'not_told'],
  [
    'a figure in a statement',
    `UPDATE statement SET json = replace(json, '"gross":"', '"gross":"1') WHERE id = '2026-09.L2'`,
    { table: 'statement', row: '2026-09.L2' },
    null,
  ],
  [
    'a statement and its digest',
    `UPDATE statement SET json = json || ' ', digest = '${'0'.repeat(64)}' WHERE id = '2026-09.L2'`,
    { table: 'statement', row: '2026-09.L2' },
    null,
  ],
  [
    'the result of a run',
    `UPDATE billing_run SET result = replace(result, '12966.06', '12966.07') WHERE period = '2026-09'`,
    { table: 'billing_run', row: '2026-09 r0' },
    null,
  ],
  [
    'what a meter gave',
    `UPDATE run_input SET body = (SELECT body FROM run_input WHERE meter = 'E-lift' LIMIT 1) WHERE meter = 'E-A-101'`,
    { table: 'run_input', message: 'the recorded input of meter E-A-101 was changed' },
    null,
  ],
  [
    'a seal',
    `UPDATE run_seal SET json = replace(json, '"revision":0', '"revision":1') WHERE period = '2026-09'`,
    { table: 'run_seal', row: '2026-09 r0' },
    null,
  ],
  [
    'a run with its seal',
    `DELETE FROM run_seal WHERE period = '2026-10'`,
    { table: 'run_seal', row: '2026-10 r0', message: 'the run has no seal' },
    null,
  ],
])('%s is named', async (_, sql, finding, difference) => {
  const { audit, books } = await audited(tamper(sql));
  if (finding === null) expect(audit.findings).toEqual([]);
  else expect(audit.findings).toContainEqual(expect.objectContaining(finding));
  if (difference === null) expect(books.differences).toEqual([]);
  else expect(books.differences).toMatchObject([{ key: name, kind: difference }]);
});

test('rows sealed anew with another key are not the issuer’s', async () => {
  const file = tamper('');
  const store = await openStore({ file });
  const { findings } = await auditStore(store, new Map([['0'.repeat(16), key.publicKey]]));
  await store.close();
  expect(findings.filter(({ table }) => table === 'run_seal').map(({ row }) => row)).toEqual([
    '2026-09 r0',
    '2026-10 r0',
  ]);
});
