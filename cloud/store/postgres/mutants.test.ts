/** The contract sees the defects that the store on PostgreSQL could have: each is planted, and a case has to fail. */
import pg from 'pg';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { requirePeer } from '../../../process/peers.ts';
import { billingContract } from '../billing-contract.ts';
import { readingsContract, type Subject } from '../contract.ts';
import { openStore } from './open-store.ts';
import { postgresProgram, startTestServer, type TestServer } from './test-server.ts';

/** Texts that must be found, and what stands in their place. */
type Defect = Record<string, string>;
const planted = new Set<string>();

/** Every SQL text goes through the defect: the migrations too. */
function plant(defect: Defect): void {
  const { query } = pg.Client.prototype;
  const rewrite = (sql: string): string => {
    let text = sql;
    for (const [part, instead] of Object.entries(defect)) {
      if (!text.includes(part)) continue;
      planted.add(part);
      text = text.replaceAll(part, instead);
    }
    return text;
  };
  const spoilt = function (this: pg.Client, asked: string | { text: string }, ...rest: unknown[]): unknown {
    const config = typeof asked === 'string' ? rewrite(asked) : { ...asked, text: rewrite(asked.text) };
    return Reflect.apply(query, this, [config, ...rest]);
  };
  vi.spyOn(pg.Client.prototype, 'query').mockImplementation(spoilt as typeof query);
}

let server: TestServer | undefined;
afterEach(() => {
  vi.restoreAllMocks();
  planted.clear();
});
afterAll(() => server?.close());

const unbalanced = `RAISE EXCEPTION 'the postings of an entry must sum to zero' USING ERRCODE = 'integrity_constraint_violation';`;

/** The defect, and what the title of the case that catches it says. */
const mutants: [string, Defect, RegExp][] = [
  [
    'no key across the months',
    { 'INSERT INTO item_key (gateway, epoch, sequence) SELECT gateway, epoch, sequence FROM added;': '' },
    /another payload under a known sequence/,
  ],
  ['no trigger protects a row', { "CALL make_append_only('reading');": '' }, /refuses to change.* reading/],
  [
    'truncating slips past the triggers',
    {
      'BEFORE TRUNCATE ON %1$s': 'AFTER INSERT ON %1$s',
      "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change(%1$L)'":
        "FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION refuse_change(%1$L)'",
    },
    /refuses to change.* gap_marker/,
  ],
  [
    'what is known is not compared',
    { 'r.value, r.unit, r.code': 'NULL::bigint AS value, r.unit, r.code' },
    /the same register, instant and value under another sequence/,
  ],
  [
    'the last value is the last to arrive',
    { 'WHERE excluded.instant > last_reading.instant': '' },
    /newest by its instant/,
  ],
  [
    'a mark is cleared whatever came since',
    { 'AND d.version = i.version': '' },
    /cleared only as it was seen/,
  ],
  [
    'registers pass through floats',
    { 'SELECT i.instant, i.value,': 'SELECT i.instant, i.value::double precision::bigint,' },
    /exactly as it was sent/,
  ],
  ['an entry may be out of balance', { [unbalanced]: 'NULL;' }, /does not sum to zero/],
  [
    'a charge may be posted twice',
    { 'key word NOT NULL UNIQUE': 'key word NOT NULL', 'REFERENCES charge (key)': '' },
    /unique for ever/,
  ],
];

test.for(mutants)('a case of the contract catches: %s', async ([_, defect, caughtBy], context) => {
  requirePeer(context, postgresProgram());
  server ??= await startTestServer();
  const running = server;
  plant(defect);
  const cases = [...readingsContract, ...billingContract].filter(({ title }) => caughtBy.test(title));
  const place = await running.createDatabase();
  const store = await openStore(place);
  const sql = async (text: string): Promise<void> => {
    await running.query(place, text);
  };
  const subject: Subject = { store, sql, replaceRows: (table) => sql(`TRUNCATE ${table} CASCADE`) };
  const failed: string[] = [];
  for (const { title, check } of cases) {
    await running.empty(place);
    await check(subject).catch(() => failed.push(title));
  }
  await store.close();
  expect([...planted]).toEqual(Object.keys(defect));
  expect(cases.length).toBeGreaterThan(0);
  expect(failed).not.toEqual([]);
});
