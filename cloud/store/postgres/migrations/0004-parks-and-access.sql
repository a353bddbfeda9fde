-- Master data, what gateways say and are told, who may come in, and what the detectors raised.

CREATE TABLE park (
  version integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  digest word NOT NULL,
  imported_at word NOT NULL,
  document word NOT NULL
);
CALL make_append_only('park');
CREATE INDEX park_digest ON park (digest, version);

CREATE TABLE gateway_status (
  gateway word PRIMARY KEY,
  status word NOT NULL
);
CREATE TABLE gateway_config (
  gateway word NOT NULL,
  version integer NOT NULL,
  settings word NOT NULL,
  at word NOT NULL,
  by word NOT NULL,
  PRIMARY KEY (gateway, version)
);

CREATE TABLE operator (
  one integer PRIMARY KEY CHECK (one = 1),
  password_hash word NOT NULL
);
CREATE TABLE session (
  digest word PRIMARY KEY,
  expires_ms bigint NOT NULL
);
CREATE TABLE api_key (
  id word PRIMARY KEY,
  name word NOT NULL,
  scopes word NOT NULL,
  digest word NOT NULL,
  created_at word NOT NULL,
  revoked_at word
);
CREATE TABLE statement_link (
  statement word PRIMARY KEY,
  generation integer NOT NULL CHECK (generation > 0),
  token_hash word NOT NULL UNIQUE
);
CREATE TABLE answered_request (
  actor word NOT NULL,
  path word NOT NULL,
  key word NOT NULL,
  body_digest word NOT NULL,
  status integer NOT NULL,
  answer word NOT NULL,
  at_ms bigint NOT NULL,
  PRIMARY KEY (actor, path, key)
);
CREATE INDEX answered_request_at ON answered_request (at_ms);
CREATE TABLE audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at word NOT NULL,
  actor word NOT NULL,
  address word NOT NULL,
  action word NOT NULL,
  outcome word NOT NULL
);
CALL make_append_only('audit');

CREATE TABLE anomaly (
  id word PRIMARY KEY,
  meter word NOT NULL,
  kind word NOT NULL,
  start word NOT NULL,
  "end" word,
  raised_at word NOT NULL,
  severity word NOT NULL,
  evidence word NOT NULL       -- JSON, protocols/api.ts Wording
);

-- Consumption over [start, end), derived from readings and written anew whenever those change.
CREATE TABLE "interval" (
  start bigint NOT NULL,       -- Unix milliseconds
  "end" bigint NOT NULL,
  quantity bigint,             -- millionths of the unit, after the multiplier
  meter word NOT NULL,
  quality word NOT NULL,
  method word NOT NULL,
  reason word NOT NULL,
  PRIMARY KEY (meter, start),
  CHECK ("end" > start),
  CHECK ((quantity IS NULL) = (quality = 'missing'))
);
