/**
 * What came to the broker and is no reading, for whoever looks for the reason: of each topic and code the first one, then
 * one every ten minutes, so that a meter gone wrong wears out no flash. It holds the last of them only; the counters say
 * how many there were.
 */
import { appendFileSync, existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { z } from 'zod';
import { InstantText } from '../../protocols/reading.ts';

/** Hex of at most so many bytes is kept of a payload. */
const MOST_PAYLOAD = 1024;
const MOST_FILE_BYTES = 512 * 1024;
const MOST_RECENT = 50;
const MOST_KINDS = 1000;
const AGAIN_AFTER_MS = 10 * 60_000;

export const SetAside = z.strictObject({
  at: InstantText,
  topic: z.string(),
  client: z.string().nullable(),
  /** Null when nothing says which meter it is. */
  meter: z.string().nullable(),
  code: z.string(),
  detail: z.string(),
  /** Of the whole payload. */
  bytes: z.int().nonnegative(),
  /** Hex. */
  payload: z.string(),
});
export type SetAside = z.infer<typeof SetAside>;

export interface PushQuarantine {
  /** @returns whether it was kept: one like it was kept a short while ago otherwise. */
  add(entry: Omit<SetAside, 'at' | 'bytes' | 'payload'>, payload: Uint8Array, nowMs: number): boolean;
  /** The last ones, the newest at the end; those of earlier runs included. */
  recent(): readonly SetAside[];
}

/**
 * @param file JSON lines; full, it becomes `{file}.old`. Null keeps them in memory alone.
 * @param onFault the disk did not take it: no reading is touched by that
 */
export function openPushQuarantine(
  file: string | null,
  onFault: (error: unknown) => void = () => undefined,
): PushQuarantine {
  const recent = file === null ? [] : readRecent(file);
  const kept = new Map<string, number>();

  function write(entry: SetAside): void {
    if (file === null) return;
    try {
      appendFileSync(file, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
      if (statSync(file).size > MOST_FILE_BYTES) renameSync(file, `${file}.old`);
    } catch (error) {
      onFault(error);
    }
  }

  return {
    add(entry, payload, nowMs) {
      const kind = `${entry.topic} ${entry.meter} ${entry.code}`;
      const last = kept.get(kind);
      if (last !== undefined && Math.abs(nowMs - last) < AGAIN_AFTER_MS) return false;
      // The kinds are bounded too: whoever publishes can invent topics.
      kept.delete(kind);
      kept.set(kind, nowMs);
      const [oldest] = kept.keys();
      if (kept.size > MOST_KINDS && oldest !== undefined) kept.delete(oldest);
      const full = {
        at: Temporal.Instant.fromEpochMilliseconds(nowMs).toString(),
        ...entry,
        bytes: payload.length,
        payload: Buffer.from(payload.subarray(0, MOST_PAYLOAD)).toString('hex'),
      };
      recent.push(full);
      if (recent.length > MOST_RECENT) recent.shift();
      write(full);
      return true;
    },
    recent: () => recent,
  };
}

/** A line that a power cut left unfinished is passed over. */
function readRecent(file: string): SetAside[] {
  const lines = [`${file}.old`, file]
    .filter((one) => existsSync(one))
    .flatMap((one) =>
      readFileSync(one, 'utf8')
        .split('\n')
        .slice(-MOST_RECENT - 1),
    );
  return lines.flatMap((line) => parseLine(line) ?? []).slice(-MOST_RECENT);
}

function parseLine(line: string): SetAside | null {
  try {
    return SetAside.parse(JSON.parse(line));
  } catch {
    return null;
  }
}
