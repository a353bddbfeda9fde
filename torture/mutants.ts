/**
 * Defects that the checks exist for, each as a change of one line: a check that stays green under its mutant shows nothing.
 * They are applied to what a process loads, never to the files; `find` has to be in its file exactly once.
 */

export interface Mutant {
  name: string;
  /** From the root of the repository. */
  file: string;
  find: string;
  instead: string;
  /** Worlds from this number on, or tests whose title matches. */
  caughtBy: { worlds: number; every?: number } | { tests: string; title: string };
}

const WORLDS = { worlds: 1 };
/** Those that have a backlog of thousands. */
const BACKLOGS = { worlds: 200, every: 200 };

export const mutants: readonly Mutant[] = [
  {
    name: 'a commit is not flushed',
    file: 'edge/buffer/outbox-segment.ts',
    find: 'writeAll(this.#disk, this.#fd, bytes);\n      this.#disk.flush(this.#fd);',
    instead: 'writeAll(this.#disk, this.#fd, bytes);',
    caughtBy: WORLDS,
  },
  {
    name: 'a segment written anew is not flushed before it takes its name',
    file: 'edge/buffer/outbox-segment.ts',
    find: 'disk.flush(fd);\n      disk.rename(fresh, this.file);',
    instead: 'disk.rename(fresh, this.file);',
    caughtBy: WORLDS,
  },
  {
    name: 'what a failed commit wrote stays in the file',
    file: 'edge/buffer/outbox-segment.ts',
    find: 'this.#disk.cut(this.#fd, this.#size);',
    instead: '',
    caughtBy: WORLDS,
  },
  {
    name: 'rows are deleted before their receipt',
    file: 'edge/outbox.ts',
    find: 'this.#log.deletableTo(this.#acknowledgedTo);',
    instead: 'this.#log.deletableTo(this.#log.nextSequence - 1);',
    caughtBy: WORLDS,
  },
  {
    name: 'a receipt deletes what lies before it too',
    file: 'edge/outbox.ts',
    find: 'this.#receipted.firstMissing(this.#acknowledgedTo + 1) - 1;',
    instead: 'to;',
    caughtBy: WORLDS,
  },
  {
    name: 'the receipt of another epoch is taken',
    file: 'edge/outbox.ts',
    find: 'if (epoch !== this.epoch || from > to ||',
    instead: 'if (from > to ||',
    caughtBy: { tests: 'edge/outbox.test.ts', title: 'one of another epoch' },
  },
  {
    name: 'a resend moves the cursor of its lane past what was never sent',
    file: 'edge/delivery/sender.ts',
    find: `    if (first.sequence === this.#firstFresh(this.#liveAt)) this.#liveAt = last.sequence + 1;
    else if (first.sequence === this.#firstFresh(this.#backlogAt)) this.#backlogAt = last.sequence + 1;`,
    instead: `    if (first.sequence >= this.#liveAt) this.#liveAt = last.sequence + 1;
    else if (first.sequence >= this.#backlogAt) this.#backlogAt = last.sequence + 1;`,
    caughtBy: BACKLOGS,
  },
  {
    name: 'what nobody takes is never set aside',
    file: 'edge/delivery/sender.ts',
    find: 'suspect.tries >= TRIES_BEFORE_SET_ASIDE',
    instead: 'suspect.tries >= Number.POSITIVE_INFINITY',
    caughtBy: WORLDS,
  },
  {
    name: 'keys are minted anew with each start',
    file: 'edge/buffer/outbox-restore.ts',
    find: 'if (head !== null && !doubtful)',
    instead: 'if (head !== null && folder === "")',
    caughtBy: { worlds: 20, every: 20 },
  },
  {
    name: 'a batch has no checksum',
    file: 'edge/delivery/encode-batch.ts',
    find: '[constants.ZSTD_c_checksumFlag]: 1',
    instead: '[constants.ZSTD_c_checksumFlag]: 0',
    caughtBy: WORLDS,
  },
  {
    name: 'the receipt goes out before the commit',
    file: 'cloud/take-batch.ts',
    find: 'for (const part of parts) add(sum, await store.ingestBatch(part, now()));\n      return sum;',
    instead:
      'for (const part of parts) void store.ingestBatch(part, now()).catch(() => 0);\n      return sum;',
    caughtBy: { tests: 'cloud/ingest.test.ts', title: 'a store that fails is followed by no receipt' },
  },
  {
    name: 'markers are receipted and not stored',
    file: 'cloud/store/sqlite/ingest.ts',
    find: 'if (insertGap.run(...row).changes === 1) return',
    instead: 'if (row.length > 0) return',
    caughtBy: WORLDS,
  },
  {
    name: 'a reading has no unique key',
    file: 'cloud/store/sqlite/readings.ts',
    find: 'PRIMARY KEY (hour, meter, register, instant),\n  UNIQUE (gateway, epoch, sequence),',
    instead: 'rank INTEGER NOT NULL DEFAULT (random()), PRIMARY KEY (hour, meter, register, instant, rank),',
    caughtBy: WORLDS,
  },
  {
    name: 'billing readings are given up as others are',
    file: 'edge/outbox.ts',
    find: 'if (billing || left <= 0) return false;',
    instead: 'if (left <= 0) return false;',
    caughtBy: { tests: 'edge/outbox.test.ts', title: 'gives up the oldest readings that bill nothing' },
  },
  {
    name: 'a commit is taken back when a note of it finds no room',
    file: 'edge/outbox.ts',
    find: 'if (told.length > 0 && refused.length === 0) whenThereIsRoom(undefined, () => this.#refusals.save());',
    instead: 'if (told.length > 0 && refused.length === 0) this.#refusals.save();',
    caughtBy: { worlds: 2105 },
  },
  {
    name: 'what comes behind a lost tail is as old as the tail',
    file: 'edge/buffer/waiting-time.ts',
    find: 'nextSequence: Math.min(mark.nextSequence, nextSequence),',
    instead: '',
    caughtBy: { tests: 'edge/outbox.test.ts', title: 'behind a tail that was lost' },
  },
  {
    name: 'a clock that jumps away from the cloud is followed',
    file: 'edge/witnessed-time.ts',
    find: 'if (this.#cloud === null) return false;',
    instead: 'if (steadyMs > 0) return false;',
    caughtBy: { tests: 'edge/witnessed-time.test.ts', title: 'is not followed when the cloud was heard' },
  },
  {
    name: 'aliases are believed behind a gap',
    file: 'protocols/sparkplug/session.ts',
    find: 'new Map(gap ? [] : session?.births)',
    instead: 'new Map(session?.births)',
    caughtBy: {
      tests: 'protocols/sparkplug/session.test.ts',
      title: 'whatever device births and data are lost',
    },
  },
  {
    name: 'money goes through floats',
    file: 'cloud/billing/rounding.ts',
    find: 'const truncated = value.n / value.d;',
    instead: 'const truncated = BigInt(Math.trunc(Number(value.n) / Number(value.d)));',
    caughtBy: { tests: 'cloud/billing/rational.test.ts', title: 'what no double holds' },
  },
  {
    name: 'the filter of the tenant is left out',
    file: 'cloud/api/tenant.ts',
    find: 'if (meter === undefined || !ownMeters(statement).has(meter.id))',
    instead: 'if (meter === undefined)',
    caughtBy: { tests: 'cloud/api/access.test.ts', title: "another tenant's meter is answered" },
  },
];
