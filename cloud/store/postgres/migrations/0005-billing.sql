-- Issued runs, statements, charges and the ledger. All are only ever added to. Money is in minor units, exact.

CREATE TABLE billing_run (
  period word NOT NULL,
  revision integer NOT NULL,
  manifest word NOT NULL,      -- digest
  manifest_json word NOT NULL,
  result word NOT NULL,        -- protocols/api.ts BillingRun
  issued_at word NOT NULL,
  PRIMARY KEY (period, revision)
);

-- Positions are given under a lock, one after the other: they are cursors, and nobody may find a smaller one later.
CREATE TABLE statement (
  position bigint PRIMARY KEY,
  id word NOT NULL UNIQUE,
  period word NOT NULL,
  revision integer NOT NULL,
  lease word NOT NULL,
  tenant word NOT NULL,
  from_date word NOT NULL,
  to_date word NOT NULL,
  gross_minor bigint NOT NULL,
  json word NOT NULL,
  digest word NOT NULL,
  token_hash word NOT NULL UNIQUE,
  corrects word REFERENCES statement (id),
  UNIQUE (id, digest),
  FOREIGN KEY (period, revision) REFERENCES billing_run
);
CREATE UNIQUE INDEX statement_corrected_once ON statement (corrects) WHERE corrects IS NOT NULL;

CREATE TABLE confirmation (
  statement word PRIMARY KEY,
  digest word NOT NULL,
  at word NOT NULL,
  FOREIGN KEY (statement, digest) REFERENCES statement (id, digest)
);

CREATE TABLE charge (
  position bigint PRIMARY KEY,
  key word NOT NULL UNIQUE,
  lease word,
  utility word NOT NULL,
  component word NOT NULL,
  name word NOT NULL,          -- of the component
  pool word NOT NULL,
  pool_name word NOT NULL,
  period word NOT NULL,
  revision integer NOT NULL,
  quantity word NOT NULL,      -- decimal
  unit word NOT NULL,
  net_minor bigint NOT NULL,
  tax_minor bigint NOT NULL,
  gross_minor bigint NOT NULL CHECK (gross_minor = net_minor + tax_minor),
  currency word NOT NULL,
  statement word REFERENCES statement (id),
  posted_at word NOT NULL,
  kind word NOT NULL CHECK (kind IN ('charge', 'reversal', 'rebill', 'adjustment', 'credit')),
  corrects word REFERENCES charge (key),
  service_period word,         -- null: the period itself
  FOREIGN KEY (period, revision) REFERENCES billing_run
);
CREATE INDEX charge_statement ON charge (statement);
CREATE INDEX charge_run ON charge (period, revision, position);
CREATE UNIQUE INDEX charge_reversed_once ON charge (corrects) WHERE kind = 'reversal';
CREATE INDEX charge_corrects ON charge (corrects) WHERE corrects IS NOT NULL;
CREATE INDEX charge_service ON charge (coalesce(service_period, period));

CREATE TABLE ledger_entry (
  id word PRIMARY KEY,
  charge_key word NOT NULL UNIQUE REFERENCES charge (key),
  description word NOT NULL
);
CREATE TABLE posting (
  entry word NOT NULL REFERENCES ledger_entry (id) DEFERRABLE INITIALLY DEFERRED,
  line integer NOT NULL,
  account word NOT NULL,
  amount_minor bigint NOT NULL,
  PRIMARY KEY (entry, line)
);

-- An entry is written after its postings, so that the database itself can refuse one that does not balance and a posting that
-- comes later. Whoever writes the ledger does so alone: otherwise neither of two would see what the other adds.
CREATE FUNCTION write_ledger_alone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  LOCK TABLE ledger_entry IN SHARE ROW EXCLUSIVE MODE;
  RETURN NULL;
END $$;
CREATE TRIGGER posting_alone BEFORE INSERT ON posting FOR EACH STATEMENT EXECUTE FUNCTION write_ledger_alone();
CREATE TRIGGER ledger_entry_alone BEFORE INSERT ON ledger_entry FOR EACH STATEMENT EXECUTE FUNCTION write_ledger_alone();

CREATE FUNCTION refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT count(*) < 2 OR sum(amount_minor) <> 0 FROM posting WHERE entry = NEW.id) THEN
    RAISE EXCEPTION 'the postings of an entry must sum to zero' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER ledger_entry_balances BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced();

CREATE FUNCTION refuse_late_posting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM ledger_entry WHERE id = NEW.entry) THEN
    RAISE EXCEPTION 'an entry takes no further postings' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER posting_before_entry BEFORE INSERT ON posting FOR EACH ROW EXECUTE FUNCTION refuse_late_posting();

-- What stands around an issued run. Claims and late changes come and go.
CREATE TABLE run_step (
  period word NOT NULL,
  number integer NOT NULL,
  state word NOT NULL CHECK (state IN ('open', 'checked', 'computed', 'reviewed', 'issued', 'closed')),
  at word NOT NULL,
  actor word NOT NULL,
  detail word NOT NULL,        -- JSON
  PRIMARY KEY (period, number)
);
CREATE TABLE run_claim (
  scope word PRIMARY KEY,
  owner word NOT NULL,
  until_ms bigint NOT NULL
);
CREATE TABLE run_input (
  period word NOT NULL,
  revision integer NOT NULL,
  meter word NOT NULL,
  digest word NOT NULL,        -- SHA-256 of the canonical JSON in body
  body bytea NOT NULL,         -- zstd
  PRIMARY KEY (period, revision, meter),
  FOREIGN KEY (period, revision) REFERENCES billing_run
);
CREATE TABLE run_span (
  period word PRIMARY KEY,
  from_ms bigint NOT NULL,
  to_ms bigint NOT NULL
);
CREATE TABLE late_change (
  period word NOT NULL,
  meter word NOT NULL,
  PRIMARY KEY (period, meter)
);
CREATE TABLE run_seal (
  position bigint PRIMARY KEY,
  period word NOT NULL,
  revision integer NOT NULL,
  json word NOT NULL,          -- canonical
  key_id word NOT NULL,
  signature word NOT NULL,     -- Ed25519 over json, base64
  UNIQUE (period, revision),
  FOREIGN KEY (period, revision) REFERENCES billing_run
);

-- Events for external ledgers, and what became of each at each webhook.
CREATE TABLE outbox_event (
  position bigint PRIMARY KEY,
  id word NOT NULL UNIQUE,
  type word NOT NULL,
  subject word NOT NULL,
  time word NOT NULL,
  data word NOT NULL           -- JSON
);
CREATE INDEX outbox_event_subject ON outbox_event (subject);
CREATE TABLE webhook (
  id word PRIMARY KEY,
  url word NOT NULL,
  description word NOT NULL,
  secret word NOT NULL,        -- whsec_...: needed in the clear to sign
  created_at word NOT NULL,
  ended_at word
);
CREATE TABLE delivery (
  webhook word NOT NULL REFERENCES webhook (id),
  position bigint NOT NULL REFERENCES outbox_event (position),
  state word NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
  attempts integer NOT NULL DEFAULT 0,
  next_at_ms bigint NOT NULL DEFAULT 0,
  owner word,
  owned_until_ms bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (webhook, position)
);
CREATE INDEX delivery_due ON delivery (next_at_ms, position) WHERE state = 'pending';
CREATE TABLE delivery_attempt (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  webhook word NOT NULL,
  position bigint NOT NULL,
  attempt integer NOT NULL,
  at word NOT NULL,
  status integer,              -- HTTP; null: no answer
  detail word NOT NULL,
  milliseconds integer NOT NULL
);
CREATE INDEX delivery_attempt_webhook ON delivery_attempt (webhook, number);

-- What people contest and grant.
CREATE TABLE dispute (
  id word PRIMARY KEY,
  statement word NOT NULL REFERENCES statement (id),
  line word NOT NULL,
  reason word NOT NULL,
  opened_at word NOT NULL
);
CREATE TABLE dispute_decision (
  dispute word PRIMARY KEY REFERENCES dispute (id),
  state word NOT NULL CHECK (state IN ('credited', 'rejected')),
  reason word NOT NULL,
  actor word NOT NULL,
  at word NOT NULL
);
CREATE TABLE credit (
  id word PRIMARY KEY,
  charge word NOT NULL REFERENCES charge (key),
  dispute word REFERENCES dispute (id),
  gross_minor bigint NOT NULL CHECK (gross_minor > 0),
  reason word NOT NULL,
  requested_by word NOT NULL,
  requested_at word NOT NULL
);
CREATE TABLE credit_decision (
  credit word PRIMARY KEY REFERENCES credit (id),
  approved boolean NOT NULL,
  actor word NOT NULL,
  at word NOT NULL
);
CREATE FUNCTION refuse_own_credit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.approved AND NEW.actor = (SELECT requested_by FROM credit WHERE id = NEW.credit) THEN
    RAISE EXCEPTION 'nobody approves a credit of their own' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER credit_by_two BEFORE INSERT ON credit_decision FOR EACH ROW EXECUTE FUNCTION refuse_own_credit();
CREATE TABLE ledger_alarm (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at word NOT NULL,
  kind word NOT NULL,
  detail word NOT NULL
);

-- What the operator has set for issuing.
CREATE TABLE issuer_key (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key_id word NOT NULL UNIQUE,
  public_key word NOT NULL,    -- raw, base64
  since word NOT NULL,
  vouched_by word REFERENCES issuer_key (key_id),
  voucher word                 -- signature of the key before over this one, base64
);
CREATE TABLE posting_rules (
  version integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  json word NOT NULL,
  at word NOT NULL,
  actor word NOT NULL
);

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['billing_run', 'statement', 'confirmation', 'charge', 'posting', 'ledger_entry', 'run_step', 'run_input',
    'run_span', 'run_seal', 'outbox_event', 'dispute', 'dispute_decision', 'credit', 'credit_decision', 'ledger_alarm',
    'issuer_key', 'posting_rules'] LOOP
    CALL make_append_only(name);
  END LOOP;
END $$;
