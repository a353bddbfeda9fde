/** Issued billing runs: charges, ledger entries and statements, each written once, together, and never changed. */

import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { formatMinor, minor } from '../../../protocols/units.ts';
import {
  type BillingOperations,
  ChainMovedError,
  type ChargeRow,
  type Confirmation,
  type EntryRow,
  type IssuedRun,
  PeriodClosedError,
  type RunRow,
  type StatementDocument,
  type StatementRow,
} from '../port/billing.ts';
import { eventWriter } from './outbox.ts';
import { recordWriter } from './run-records.ts';
import { transaction } from './transaction.ts';

export { schema } from './billing-schema.ts';

type Row = Record<string, SQLOutputValue>;
const chargeRow = (row: Row): ChargeRow => ({
  ...(row as unknown as ChargeRow),
  position: Number(row.position),
  revision: Number(row.revision),
  net: formatMinor(row.net as bigint),
  tax: formatMinor(row.tax as bigint),
  gross: formatMinor(row.gross as bigint),
});
const statementRow = <T extends StatementRow>(row: Row): T => ({
  ...(row as unknown as T),
  revision: Number(row.revision),
  gross: formatMinor(row.gross as bigint),
});

/** Writes the parts of a run. Parents come before what refers to them; postings before their entry. */
function runWriter(db: DatabaseSync) {
  const insertRun = db.prepare(
    'INSERT INTO billing_run (period, revision, manifest, manifest_json, result, issued_at) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const insertStatement = db.prepare(
    `INSERT INTO statement (id, period, revision, lease, tenant, from_date, to_date, gross_minor, json, digest, token_hash,
     corrects) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const record = recordWriter(db);
  const tell = eventWriter(db);
  const insertCharge = db.prepare(
    `INSERT INTO charge (key, lease, utility, component, name, pool, pool_name, period, revision, quantity, unit, net_minor,
     tax_minor, gross_minor, currency, statement, posted_at, kind, corrects, service_period)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const insertPosting = db.prepare(
    'INSERT INTO posting (entry, line, account, amount_minor) VALUES (?, ?, ?, ?)',
  );
  const insertEntry = db.prepare('INSERT INTO ledger_entry (id, charge_key, description) VALUES (?, ?, ?)');
  const uncharged = db.prepare(
    `SELECT id FROM statement s WHERE period = ? AND revision = ?
     AND gross_minor <> (SELECT coalesce(sum(c.gross_minor), 0) FROM charge c WHERE c.statement = s.id)
       + coalesce((SELECT gross_minor FROM statement WHERE id = s.corrects), 0)`,
  );

  return ({ run, charges, entries, statements, events, ...rest }: IssuedRun): void => {
    const { period, revision } = run;
    insertRun.run(period, revision, run.manifest, run.manifestJson, JSON.stringify(run.result), run.issuedAt);
    for (const s of statements) {
      const gross = minor(s.gross);
      insertStatement.run(
        s.id,
        s.period,
        revision,
        s.lease,
        s.tenant,
        s.from,
        s.to,
        gross,
        s.json,
        s.digest,
        s.tokenHash,
        s.corrects,
      );
    }
    for (const c of charges) {
      const money = [minor(c.net), minor(c.tax), minor(c.gross)];
      const what = [c.key, c.lease, c.utility, c.component, c.name, c.pool, c.poolName];
      const howMuch = [c.period, c.revision, c.quantity, c.unit, ...money, c.currency];
      const servicePeriod = c.servicePeriod === c.period ? null : c.servicePeriod;
      insertCharge.run(...what, ...howMuch, c.statement, c.postedAt, c.kind, c.corrects, servicePeriod);
    }
    for (const { id, chargeKey, description, postings } of entries) {
      for (const [line, { account, amountMinor }] of postings.entries()) {
        insertPosting.run(id, line, account, amountMinor);
      }
      insertEntry.run(id, chargeKey, description);
    }
    record(run, rest);
    tell(events);
    const wrong = uncharged.get(period, revision);
    if (wrong !== undefined) throw new Error(`the total of statement ${wrong.id} is not that of its charges`);
  };
}

function exactReader(db: DatabaseSync) {
  return (sql: string) => {
    const statement = db.prepare(sql);
    statement.setReadBigInts(true);
    return statement;
  };
}

function statementOperations(db: DatabaseSync) {
  const exact = exactReader(db);
  const columns = `s.id, s.lease, s.tenant, s.period, s.revision, s.from_date AS "from", s.to_date AS "to",
    s.gross_minor AS gross, s.digest, s.token_hash AS tokenHash, s.corrects, c.at AS confirmedAt, n.id AS correctedBy`;
  const source = `FROM statement s LEFT JOIN confirmation c ON c.statement = s.id
    LEFT JOIN statement n ON n.corrects = s.id`;
  const list = exact(
    `SELECT ${columns} ${source} WHERE (:period IS NULL OR s.period = :period) AND (:lease IS NULL OR s.lease = :lease)
     ORDER BY s.position`,
  );
  const byId = exact(`SELECT ${columns}, s.json ${source} WHERE s.id = ?`);
  const byToken = exact(`SELECT ${columns}, s.json ${source} WHERE s.token_hash = ?`);
  const newest = db.prepare('SELECT digest FROM statement ORDER BY position DESC LIMIT 1');
  const chain = db.prepare('SELECT id, lease, digest FROM statement ORDER BY position');
  const confirm = db.prepare(
    'INSERT INTO confirmation (statement, digest, at) VALUES (?, ?, ?) ON CONFLICT (statement) DO NOTHING',
  );
  const document = (row: Row | undefined): StatementDocument | null =>
    row === undefined ? null : statementRow(row);

  return {
    statements({ period = null, lease = null }: { period?: string | null; lease?: string | null } = {}) {
      return list.all({ period, lease }).map(statementRow<StatementRow>);
    },
    statement(id: string): StatementDocument | null {
      return document(byId.get(id));
    },
    statementByTokenHash(tokenHash: string): StatementDocument | null {
      return document(byToken.get(tokenHash));
    },
    statementChain(): { id: string; lease: string; digest: string }[] {
      return chain.all() as unknown as { id: string; lease: string; digest: string }[];
    },
    lastStatementDigest(): string | null {
      return (newest.get()?.digest as string | undefined) ?? null;
    },
    confirmStatement({ id, digest, at }: { id: string; digest: string; at: string }): Confirmation {
      return transaction(db, () => {
        const row = byId.get(id);
        if (row === undefined) return { ok: false, code: 'unknown_statement', detail: `no statement ${id}` };
        if (row.digest !== digest) {
          return { ok: false, code: 'digest_mismatch', detail: `statement ${id} has digest ${row.digest}` };
        }
        confirm.run(id, digest, at);
        return { ok: true, confirmedAt: (row.confirmedAt as string | null) ?? at };
      });
    },
  };
}

export function operations(db: DatabaseSync): BillingOperations {
  const exact = exactReader(db);
  const write = runWriter(db);
  const newest = db.prepare('SELECT digest FROM statement ORDER BY position DESC LIMIT 1');
  const issued = db.prepare('SELECT manifest FROM billing_run WHERE period = ? AND revision = ?');
  const runColumns =
    'period, revision, manifest, manifest_json AS manifestJson, result, issued_at AS issuedAt';
  const newestRun = db.prepare(
    `SELECT ${runColumns} FROM billing_run WHERE period = ? ORDER BY revision DESC LIMIT 1`,
  );
  const runs = db.prepare(`SELECT ${runColumns} FROM billing_run ORDER BY period DESC, revision DESC`);
  const runRow = (row: Row): RunRow => ({
    ...(row as unknown as RunRow),
    result: JSON.parse(row.result as string),
  });
  const chargeColumns = `position, key, lease, utility, component, name, pool, pool_name AS poolName, period, revision,
    quantity, unit, net_minor AS net, tax_minor AS tax, gross_minor AS gross, currency, statement, posted_at AS postedAt,
    kind, corrects, coalesce(service_period, period) AS servicePeriod`;
  const charges = exact(`SELECT ${chargeColumns} FROM charge WHERE position > ? ORDER BY position LIMIT ?`);
  const charge = exact(`SELECT ${chargeColumns} FROM charge WHERE key = ?`);
  const serviceCharges = exact(
    `SELECT ${chargeColumns} FROM charge WHERE coalesce(service_period, period) = ? ORDER BY position`,
  );
  const runCharges = exact(
    `SELECT ${chargeColumns} FROM charge WHERE period = ? AND revision = ? ORDER BY position`,
  );
  const entries = exact(
    `SELECT e.id, e.charge_key AS chargeKey, e.description, p.account, p.amount_minor AS amountMinor
     FROM ledger_entry e JOIN posting p ON p.entry = e.id JOIN charge c ON c.key = e.charge_key
     WHERE c.period = ? AND c.revision = ? ORDER BY c.position, p.line`,
  );
  const totals = exact(
    'SELECT account, sum(amount_minor) AS amountMinor FROM posting GROUP BY account ORDER BY account',
  );

  return {
    ...statementOperations(db),
    issueRun(input: IssuedRun): 'issued' | 'already_issued' {
      return transaction(db, () => {
        const before = issued.get(input.run.period, input.run.revision);
        if (before === undefined) {
          if (((newest.get()?.digest as string | undefined) ?? null) !== input.follows)
            throw new ChainMovedError('another run was issued meanwhile: compute again');
          write(input);
          return 'issued';
        }
        if (before.manifest !== input.run.manifest) throw new PeriodClosedError(input.run);
        return 'already_issued';
      });
    },
    billingRun(period: string): RunRow | null {
      const row = newestRun.get(period);
      return row === undefined ? null : runRow(row);
    },
    billingRuns(): RunRow[] {
      return runs.all().map(runRow);
    },
    charges({ since, limit }: { since: number; limit: number }): ChargeRow[] {
      return charges.all(since, limit).map(chargeRow);
    },
    charge(key: string): ChargeRow | null {
      const row = charge.get(key);
      return row === undefined ? null : chargeRow(row);
    },
    chargesForService(period: string): ChargeRow[] {
      return serviceCharges.all(period).map(chargeRow);
    },
    chargesOfRun({ period, revision }: { period: string; revision: number }): ChargeRow[] {
      return runCharges.all(period, revision).map(chargeRow);
    },
    entriesOfRun({ period, revision }: { period: string; revision: number }): EntryRow[] {
      const rows = entries.all(period, revision) as unknown as (EntryRow & EntryRow['postings'][number])[];
      return [...Map.groupBy(rows, ({ id }) => id).values()].flatMap((lines) =>
        lines.slice(0, 1).map(({ id, chargeKey, description }) => ({
          id,
          chargeKey,
          description,
          postings: lines.map(({ account, amountMinor }) => ({ account, amountMinor })),
        })),
      );
    },
    ledgerTotals(): { account: string; amountMinor: bigint }[] {
      return totals.all() as unknown as { account: string; amountMinor: bigint }[];
    },
  };
}
