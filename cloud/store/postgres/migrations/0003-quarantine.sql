-- What could not be stored as it came, kept with its reason.

CREATE TABLE quarantine (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sequence bigint,
  digest word NOT NULL UNIQUE,
  gateway word,
  epoch word,
  topic word NOT NULL,
  code word NOT NULL,
  detail word NOT NULL,
  payload word NOT NULL,
  at word NOT NULL
);
CREATE INDEX quarantine_item ON quarantine (gateway, epoch, sequence) WHERE epoch IS NOT NULL;
CREATE INDEX quarantine_message ON quarantine (coalesce(gateway, ''), id) WHERE epoch IS NULL;

CREATE TABLE quarantine_closed (
  id bigint PRIMARY KEY REFERENCES quarantine,
  gateway word NOT NULL,       -- empty where the sender could not be told, here and below
  state word NOT NULL CHECK (state IN ('released', 'dismissed')),
  at word NOT NULL,
  by word NOT NULL,
  reason word
);
CREATE INDEX quarantine_closed_gateway ON quarantine_closed (gateway, id);
CREATE INDEX quarantine_closed_at ON quarantine_closed (at);

CREATE TABLE quarantine_size (
  entries bigint NOT NULL,
  bytes bigint NOT NULL,
  gateway word PRIMARY KEY
);

CREATE TABLE quarantine_dropped (
  count bigint NOT NULL,
  gateway word NOT NULL,
  code word NOT NULL,
  state word NOT NULL,
  last_at word NOT NULL,       -- when the last of them had come
  PRIMARY KEY (gateway, code, state)
);
