/** How an outbox is found again: its log, what it last accepted of each register, and under which epoch it goes on. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { readDurable, writeDurably } from './durable-file.ts';
import {
  type Accepted,
  AcceptedFile,
  Head,
  type LogPlace,
  listSegments,
  OutboxError,
  paths,
  readMark,
} from './outbox-folder.ts';
import { type Damage, type OutboxLog, openLog } from './outbox-log.ts';

export interface Restored {
  log: OutboxLog;
  /** By `meter register`. */
  accepted: Map<string, Accepted>;
  acknowledgedTo: number;
  epoch: string;
  damage: Damage | null;
}

const WithValue = z.object({ value: z.string().nullable() });

/** @throws OutboxError when the folder is another gateway's; Error of the system */
export function restoreOutbox(place: LogPlace, gateway: string): Restored {
  const { disk, folder } = place;
  const files = paths(folder);
  const head = readDurable(files.head, Head, disk);
  if (head !== null && head.gateway !== gateway)
    throw new OutboxError('outbox_of_another_gateway', `${folder} belongs to gateway "${head.gateway}"`);
  if (head === null && listSegments(disk, folder).length === 0) saveAccepted(place, 0, new Map());

  const mark = readMark(disk, folder);
  const saved = readDurable(files.accepted, AcceptedFile, disk);
  const witness = { deletedTo: saved?.deletedTo ?? null, nextSequence: mark?.nextSequence ?? null };
  const accepted = new Map((saved?.accepted ?? []).map(([key, atMs, value]) => [key, { atMs, value }]));
  const newest = new Map<string, { atMs: number; text: string }>();
  const { log, damage, doubtful } = openLog(place, witness, ({ key, atMs, text }) => {
    if (key !== '' && atMs >= (newest.get(key)?.atMs ?? atMs)) newest.set(key, { atMs, text });
  });
  for (const [key, { atMs, text }] of newest)
    if (atMs >= (accepted.get(key)?.atMs ?? atMs)) accepted.set(key, { atMs, value: lastValue(text) });

  if (saved === null) saveAccepted(place, log.firstSequence - 1, accepted);

  const receiptedTo = Math.max(mark?.acknowledgedTo ?? 0, saved?.deletedTo ?? 0, log.firstSequence - 1);
  const acknowledgedTo = Math.min(receiptedTo, log.nextSequence - 1);
  if (head !== null && !doubtful) return { log, accepted, acknowledgedTo, epoch: head.epoch, damage };
  const epoch = randomBytes(8).toString('hex');
  writeDurably(files.head, { gateway, epoch }, disk);
  return { log, accepted, acknowledgedTo, epoch, damage };
}

/** What must last before segments up to `deletedTo` are deleted. @throws Error of the system */
export function saveAccepted(
  { disk, folder }: Omit<LogPlace, 'segmentBytes'>,
  deletedTo: number,
  accepted: ReadonlyMap<string, Accepted>,
): void {
  const rows = [...accepted].map(([key, { atMs, value }]) => [key, atMs, value]);
  writeDurably(paths(folder).accepted, { deletedTo, accepted: rows }, disk);
}

/** Of a hole the value is no longer known. */
function lastValue(text: string): string | null {
  try {
    return WithValue.parse(JSON.parse(text)).value;
  } catch {
    return null;
  }
}
