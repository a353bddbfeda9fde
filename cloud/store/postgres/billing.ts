/** Issued billing runs: charges, ledger entries and statements, each written once, together, and never changed. */
import type { Charge } from '../../../protocols/api.ts';
import { formatMinor, minor } from '../../../protocols/units.ts';
import {
  ChainMovedError,
  type ChargeRow,
  type EntryRow,
  type IssuedRun,
  type NewStatement,
  PeriodClosedError,
  type RunRow,
} from '../port/billing.ts';
import type { Database } from './open-database.ts';
import { tellEvents } from './outbox.ts';
import { nextPosition } from './positions.ts';
import { putRecord } from './run-records.ts';
import type { Row, Session } from './session.ts';
import * as statements from './statements.ts';
import { lastDigest } from './statements.ts';

const chargeRow = (row: Row): ChargeRow => ({
  ...(row as unknown as ChargeRow),
  position: Number(row.position),
  net: formatMinor(row.net as bigint),
  tax: formatMinor(row.tax as bigint),
  gross: formatMinor(row.gross as bigint),
});

const INSERT_RUN = `INSERT INTO billing_run (period, revision, manifest, manifest_json, result, issued_at)
  VALUES ($1, $2, $3, $4, $5, $6)`;
const INSERT_STATEMENTS = `INSERT INTO statement (position, revision, id, period, lease, tenant, from_date, to_date, gross_minor, json,
    digest, token_hash, corrects)
  SELECT $1::bigint - 1 + n, $2::integer, id, period, lease, tenant, from_date, to_date, gross, json, digest, token_hash, corrects
  FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::text[], $11::text[],
    $12::text[], $13::text[]) WITH ORDINALITY
    AS i (id, period, lease, tenant, from_date, to_date, gross, json, digest, token_hash, corrects, n) ORDER BY n`;

async function putStatements(
  session: Session,
  revision: number,
  list: readonly NewStatement[],
): Promise<void> {
  const column = <T>(of: (statement: NewStatement) => T): T[] => list.map(of);
  await session.run(INSERT_STATEMENTS, [
    await nextPosition(session, 'statement'),
    revision,
    column(({ id }) => id),
    column(({ period }) => period),
    column(({ lease }) => lease),
    column(({ tenant }) => tenant),
    column(({ from }) => from),
    column(({ to }) => to),
    column(({ gross }) => minor(gross)),
    column(({ json }) => json),
    column(({ digest }) => digest),
    column(({ tokenHash }) => tokenHash),
    column(({ corrects }) => corrects),
  ]);
}

const INSERT_CHARGES = `INSERT INTO charge (position, key, lease, utility, component, name, pool, pool_name, period, revision, quantity,
    unit, net_minor, tax_minor, gross_minor, currency, statement, posted_at, kind, corrects, service_period)
  SELECT $1::bigint - 1 + n, key, lease, utility, component, name, pool, pool_name, period, revision, quantity, unit, net, tax, gross,
    currency, statement, posted_at, kind, corrects, service_period
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::integer[],
    $11::text[], $12::text[], $13::bigint[], $14::bigint[], $15::bigint[], $16::text[], $17::text[], $18::text[], $19::text[],
    $20::text[], $21::text[]) WITH ORDINALITY
    AS i (key, lease, utility, component, name, pool, pool_name, period, revision, quantity, unit, net, tax, gross, currency, statement,
      posted_at, kind, corrects, service_period, n) ORDER BY n`;

async function putCharges(session: Session, list: readonly Charge[]): Promise<void> {
  const column = <T>(of: (charge: Charge) => T): T[] => list.map(of);
  await session.run(INSERT_CHARGES, [
    await nextPosition(session, 'charge'),
    column(({ key }) => key),
    column(({ lease }) => lease),
    column(({ utility }) => utility),
    column(({ component }) => component),
    column(({ name }) => name),
    column(({ pool }) => pool),
    column(({ poolName }) => poolName),
    column(({ period }) => period),
    column(({ revision }) => revision),
    column(({ quantity }) => quantity),
    column(({ unit }) => unit),
    column(({ net }) => minor(net)),
    column(({ tax }) => minor(tax)),
    column(({ gross }) => minor(gross)),
    column(({ currency }) => currency),
    column(({ statement }) => statement),
    column(({ postedAt }) => postedAt),
    column(({ kind }) => kind),
    column(({ corrects }) => corrects),
    column(({ servicePeriod, period }) => (servicePeriod === period ? null : servicePeriod)),
  ]);
}

const INSERT_POSTINGS = `INSERT INTO posting (entry, line, account, amount_minor)
  SELECT * FROM unnest($1::text[], $2::integer[], $3::text[], $4::bigint[])`;
const INSERT_ENTRIES = `INSERT INTO ledger_entry (id, charge_key, description)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[])`;

async function putEntries(session: Session, entries: readonly EntryRow[]): Promise<void> {
  const postings = entries.flatMap((entry) =>
    entry.postings.map(({ account, amountMinor }, line) => ({ entry: entry.id, line, account, amountMinor })),
  );
  await session.run(INSERT_POSTINGS, [
    postings.map(({ entry }) => entry),
    postings.map(({ line }) => line),
    postings.map(({ account }) => account),
    postings.map(({ amountMinor }) => amountMinor),
  ]);
  await session.run(INSERT_ENTRIES, [
    entries.map(({ id }) => id),
    entries.map(({ chargeKey }) => chargeKey),
    entries.map(({ description }) => description),
  ]);
}

const UNCHARGED = `SELECT id FROM statement s WHERE period = $1 AND revision = $2
  AND gross_minor <> (SELECT coalesce(sum(c.gross_minor), 0) FROM charge c WHERE c.statement = s.id)
    + coalesce((SELECT b.gross_minor FROM statement b WHERE b.id = s.corrects), 0)`;

/** Writes the parts of a run. Parents come before what refers to them; postings before their entry. */
async function putRun(
  session: Session,
  { run, charges, entries, statements: list, events, follows: _, ...record }: IssuedRun,
): Promise<void> {
  const { period, revision } = run;
  await session.run(INSERT_RUN, [
    period,
    revision,
    run.manifest,
    run.manifestJson,
    JSON.stringify(run.result),
    run.issuedAt,
  ]);
  await putStatements(session, revision, list);
  await putCharges(session, charges);
  await putEntries(session, entries);
  await putRecord(session, run, record);
  await tellEvents(session, events);
  const [wrong] = await session.rows(UNCHARGED, [period, revision]);
  if (wrong !== undefined) throw new Error(`the total of statement ${wrong.id} is not that of its charges`);
}

const ISSUED = 'SELECT manifest FROM billing_run WHERE period = $1 AND revision = $2';
const RUNS =
  'SELECT period, revision, manifest, manifest_json AS "manifestJson", result, issued_at AS "issuedAt" FROM billing_run';
const NEWEST_RUN = `${RUNS} WHERE period = $1 ORDER BY revision DESC LIMIT 1`;
const ALL_RUNS = `${RUNS} ORDER BY period DESC, revision DESC`;
const runRow = (row: Row): RunRow => ({
  ...(row as unknown as RunRow),
  result: JSON.parse(row.result as string),
});

const CHARGES = `SELECT position, key, lease, utility, component, name, pool, pool_name AS "poolName", period, revision, quantity, unit,
  net_minor AS net, tax_minor AS tax, gross_minor AS gross, currency, statement, posted_at AS "postedAt", kind, corrects,
  coalesce(service_period, period) AS "servicePeriod" FROM charge`;
const CHARGES_AFTER = `${CHARGES} WHERE position > $1 ORDER BY position LIMIT $2`;
const CHARGE = `${CHARGES} WHERE key = $1`;
const FOR_SERVICE = `${CHARGES} WHERE coalesce(service_period, period) = $1 ORDER BY position`;
const OF_RUN = `${CHARGES} WHERE period = $1 AND revision = $2 ORDER BY position`;
const ENTRIES = `SELECT e.id, e.charge_key AS "chargeKey", e.description, p.account, p.amount_minor AS "amountMinor"
  FROM ledger_entry e JOIN posting p ON p.entry = e.id JOIN charge c ON c.key = e.charge_key
  WHERE c.period = $1 AND c.revision = $2 ORDER BY c.position, p.line`;
const TOTALS =
  'SELECT account, sum(amount_minor) AS "amountMinor" FROM posting GROUP BY account ORDER BY account';

interface RunKey {
  period: string;
  revision: number;
}

function chargeOperations(db: Database) {
  return {
    charges: async ({ since, limit }: { since: number; limit: number }): Promise<ChargeRow[]> =>
      (await db.rows(CHARGES_AFTER, [since, limit])).map(chargeRow),
    async charge(key: string): Promise<ChargeRow | null> {
      const [row] = await db.rows(CHARGE, [key]);
      return row === undefined ? null : chargeRow(row);
    },
    chargesForService: async (period: string): Promise<ChargeRow[]> =>
      (await db.rows(FOR_SERVICE, [period])).map(chargeRow),
    chargesOfRun: async ({ period, revision }: RunKey): Promise<ChargeRow[]> =>
      (await db.rows(OF_RUN, [period, revision])).map(chargeRow),
    async entriesOfRun({ period, revision }: RunKey): Promise<EntryRow[]> {
      const rows = await db.rows(ENTRIES, [period, revision]);
      const lines = rows as unknown as (Omit<EntryRow, 'postings'> & EntryRow['postings'][number])[];
      return [...Map.groupBy(lines, ({ id }) => id).values()].flatMap((ofEntry) =>
        ofEntry.slice(0, 1).map(({ id, chargeKey, description }) => ({
          id,
          chargeKey,
          description,
          postings: ofEntry.map(({ account, amountMinor }) => ({ account, amountMinor })),
        })),
      );
    },
    ledgerTotals: async (): Promise<{ account: string; amountMinor: bigint }[]> =>
      (await db.rows(TOTALS)) as unknown as { account: string; amountMinor: bigint }[],
  };
}

const ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('meterline: issue', 0))";

export function operations(db: Database) {
  return {
    ...statements.operations(db),
    ...chargeOperations(db),
    issueRun: (input: IssuedRun): Promise<'issued' | 'already_issued'> =>
      db.transaction(async (tx) => {
        await tx.rows(ONE_AT_A_TIME);
        const [before] = await tx.rows(ISSUED, [input.run.period, input.run.revision]);
        if (before === undefined) {
          if ((await lastDigest(tx)) !== input.follows)
            throw new ChainMovedError('another run was issued meanwhile: compute again');
          await putRun(tx, input);
          return 'issued';
        }
        if (before.manifest !== input.run.manifest) throw new PeriodClosedError(input.run);
        return 'already_issued';
      }),
    async billingRun(period: string): Promise<RunRow | null> {
      const [row] = await db.rows(NEWEST_RUN, [period]);
      return row === undefined ? null : runRow(row);
    },
    billingRuns: async (): Promise<RunRow[]> => (await db.rows(ALL_RUNS)).map(runRow),
  };
}
