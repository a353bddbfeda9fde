-- Readings, gap markers and evidence: the raw truth, only ever added to.

-- Text compares byte by byte, as in every other store: no locale of the server moves a key.
CREATE DOMAIN word AS text COLLATE "C";

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% rows are never %', TG_ARGV[0], CASE TG_OP WHEN 'UPDATE' THEN 'changed' ELSE 'removed' END
    USING ERRCODE = 'restrict_violation';
END $$;

-- The database itself refuses to change or remove a row of the table. Triggers for each row are handed on to partitions.
CREATE PROCEDURE make_append_only(name text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER %1$s_no_change BEFORE UPDATE OR DELETE ON %1$s
    FOR EACH ROW EXECUTE FUNCTION refuse_change(%1$L)', name);
  EXECUTE format('CREATE TRIGGER %1$s_no_truncate BEFORE TRUNCATE ON %1$s
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change(%1$L)', name);
END $$;

-- Each reading is stored once, under two keys: what it is (meter, register, instant), which is the primary key and leads with
-- time; and where it came from (gateway, epoch, sequence), which no index of a partitioned table can hold together: item_key.
CREATE TABLE reading (
  instant bigint NOT NULL,     -- Unix milliseconds
  value bigint,                -- millionths of the unit
  sequence bigint NOT NULL,
  hour integer NOT NULL,       -- whole hours since 1970
  meter word NOT NULL,
  register word NOT NULL,
  unit word NOT NULL,
  code word,
  raw word,
  source word NOT NULL,
  gateway word NOT NULL,
  epoch word NOT NULL,
  PRIMARY KEY (hour, meter, register, instant),
  CHECK (instant / 3600000 = hour),
  CHECK (value IS NOT NULL OR code IS NOT NULL)
) PARTITION BY RANGE (hour);
CALL make_append_only('reading');

CREATE TABLE item_key (
  sequence bigint NOT NULL,
  gateway word NOT NULL,
  epoch word NOT NULL,
  PRIMARY KEY (gateway, epoch, sequence)
);
CALL make_append_only('item_key');

-- Hours that have readings: queries step from one to the next, and seek the meter in each.
CREATE TABLE reading_hour (hour integer PRIMARY KEY);
CALL make_append_only('reading_hour');

-- Whoever inserts readings takes their keys: the same key with another instant fails here, whatever partition it goes to.
CREATE FUNCTION take_reading_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO item_key (gateway, epoch, sequence) SELECT gateway, epoch, sequence FROM added;
  INSERT INTO reading_hour SELECT DISTINCT hour FROM added ORDER BY hour ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER reading_keys AFTER INSERT ON reading REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION take_reading_keys();

-- Makes the partition of the UTC month that the hour lies in. It is attached when it is whole: those who insert do not wait.
CREATE FUNCTION open_reading_month(of_hour integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  month timestamp := date_trunc('month', timestamp '1970-01-01' + of_hour * interval '1 hour');
  first integer := extract(epoch FROM month) / 3600;
  beyond integer := extract(epoch FROM month + interval '1 month') / 3600;
  part text := 'reading_' || to_char(month, 'YYYY_MM');
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('meterline: months of readings', 0));
  IF to_regclass(part) IS NOT NULL THEN RETURN; END IF;
  EXECUTE format('CREATE TABLE %I (LIKE reading INCLUDING ALL, CHECK (hour >= %s AND hour < %s))', part, first, beyond);
  EXECUTE format('ALTER TABLE reading ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', part, first, beyond);
  -- What goes past the table as a whole is met here: triggers for each statement are not handed on.
  EXECUTE format('CREATE TRIGGER reading_keys AFTER INSERT ON %I REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION take_reading_keys()', part);
  EXECUTE format('CREATE TRIGGER reading_no_truncate BEFORE TRUNCATE ON %I
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change(''reading'')', part);
END $$;

CREATE TABLE last_reading (
  instant bigint NOT NULL,
  meter word NOT NULL,
  register word NOT NULL,
  PRIMARY KEY (meter, register)
) WITH (fillfactor = 70);

CREATE TABLE gap_marker (
  sequence bigint NOT NULL,
  from_instant bigint NOT NULL, -- Unix milliseconds
  to_instant bigint NOT NULL,
  count bigint NOT NULL,
  gateway word NOT NULL,
  epoch word NOT NULL,
  meter word NOT NULL,
  register word NOT NULL,
  reason word NOT NULL,
  PRIMARY KEY (gateway, epoch, sequence)
);
CALL make_append_only('gap_marker');

CREATE TABLE evidence (
  sequence bigint NOT NULL,
  instant bigint NOT NULL,     -- Unix milliseconds
  gateway word NOT NULL,
  epoch word NOT NULL,
  meter word NOT NULL,
  digest word NOT NULL UNIQUE, -- SHA-256 of the text
  text word NOT NULL,          -- what is signed: canonical JSON
  signature word NOT NULL,     -- JSON
  PRIMARY KEY (gateway, epoch, sequence)
);
CREATE INDEX evidence_meter ON evidence (meter, instant);
CALL make_append_only('evidence');

-- Evidence and readings never stand under one key.
CREATE FUNCTION take_evidence_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO item_key (gateway, epoch, sequence) SELECT gateway, epoch, sequence FROM added;
  RETURN NULL;
END $$;
CREATE TRIGGER evidence_keys AFTER INSERT ON evidence REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION take_evidence_keys();

CREATE TABLE failed_batch (
  key word PRIMARY KEY,
  tries integer NOT NULL,
  at word NOT NULL
);

-- Which gateway may write which meter.
CREATE TABLE meter_gateway (
  until bigint,                -- Unix milliseconds: of earlier readings only; null: of all
  meter word NOT NULL,
  gateway word NOT NULL,
  PRIMARY KEY (meter, gateway)
);
CREATE UNIQUE INDEX meter_gateway_now ON meter_gateway (meter) WHERE until IS NULL;
CREATE INDEX meter_gateway_of ON meter_gateway (gateway, meter) WHERE until IS NULL;
