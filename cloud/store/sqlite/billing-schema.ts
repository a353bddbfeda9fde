import { appendOnly } from './append-only.ts';

const tables = ['billing_run', 'statement', 'confirmation', 'charge', 'posting', 'ledger_entry'];

/**
 * The tables of billing. All are only ever added to. Money is INTEGER in minor units. An entry is written after its
 * postings, so that the database itself can refuse one that does not balance and a posting that comes later.
 */
export const schema = `
CREATE TABLE IF NOT EXISTS billing_run (
  period TEXT NOT NULL,
  revision INTEGER NOT NULL,
  manifest TEXT NOT NULL,     -- digest
  manifest_json TEXT NOT NULL,
  result TEXT NOT NULL,       -- protocols/api.ts BillingRun
  issued_at TEXT NOT NULL,
  PRIMARY KEY (period, revision)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS statement (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  period TEXT NOT NULL,
  revision INTEGER NOT NULL,
  lease TEXT NOT NULL,
  tenant TEXT NOT NULL,
  from_date TEXT NOT NULL,
  to_date TEXT NOT NULL,
  gross_minor INTEGER NOT NULL,
  json TEXT NOT NULL,
  digest TEXT NOT NULL,
  token_hash TEXT NOT NULL UNIQUE,
  UNIQUE (id, digest),
  FOREIGN KEY (period, revision) REFERENCES billing_run
) STRICT;
CREATE TABLE IF NOT EXISTS confirmation (
  statement TEXT PRIMARY KEY,
  digest TEXT NOT NULL,
  at TEXT NOT NULL,
  FOREIGN KEY (statement, digest) REFERENCES statement (id, digest)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS charge (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  lease TEXT,
  utility TEXT NOT NULL,
  component TEXT NOT NULL,
  name TEXT NOT NULL,         -- of the component
  pool TEXT NOT NULL,
  pool_name TEXT NOT NULL,
  period TEXT NOT NULL,
  revision INTEGER NOT NULL,
  quantity TEXT NOT NULL,     -- decimal
  unit TEXT NOT NULL,
  net_minor INTEGER NOT NULL,
  tax_minor INTEGER NOT NULL,
  gross_minor INTEGER NOT NULL CHECK (gross_minor = net_minor + tax_minor),
  currency TEXT NOT NULL,
  statement TEXT REFERENCES statement (id),
  posted_at TEXT NOT NULL,
  FOREIGN KEY (period, revision) REFERENCES billing_run
) STRICT;
CREATE INDEX IF NOT EXISTS charge_statement ON charge (statement);
CREATE TABLE IF NOT EXISTS ledger_entry (
  id TEXT PRIMARY KEY,
  charge_key TEXT NOT NULL UNIQUE REFERENCES charge (key),
  description TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS posting (
  entry TEXT NOT NULL REFERENCES ledger_entry (id) DEFERRABLE INITIALLY DEFERRED,
  line INTEGER NOT NULL,
  account TEXT NOT NULL,
  amount_minor INTEGER NOT NULL,
  PRIMARY KEY (entry, line)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS ledger_entry_balances BEFORE INSERT ON ledger_entry
WHEN (SELECT count(*) < 2 OR sum(amount_minor) <> 0 FROM posting WHERE entry = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the postings of an entry must sum to zero'); END;
CREATE TRIGGER IF NOT EXISTS posting_before_entry BEFORE INSERT ON posting
WHEN EXISTS (SELECT 1 FROM ledger_entry WHERE id = NEW.entry)
BEGIN SELECT RAISE(ABORT, 'an entry takes no further postings'); END;
${tables.map(appendOnly).join('')}`;
