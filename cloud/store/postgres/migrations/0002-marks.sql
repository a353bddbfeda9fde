-- What readings make stale. A mark carries the number of the change that set it, and is cleared only under that number.

CREATE SEQUENCE change_number;

CREATE TABLE dirty_day (
  day bigint NOT NULL,         -- Unix milliseconds of 00:00Z
  version bigint NOT NULL,
  meter word NOT NULL,
  PRIMARY KEY (meter, day)
);

-- Every gateway marks the hour that is now: with a row for each slot, workers do not wait for each other's commits. The version of
-- an hour is the sum of its slots, each of which only grows.
CREATE TABLE export_dirty (
  version bigint NOT NULL,
  hour integer NOT NULL,
  slot integer NOT NULL,
  PRIMARY KEY (hour, slot)
);
