/** Real peers in tests: programs of the system that a test talks to. Absent: the test is skipped with its reason, unless peers are required. */
import { accessSync, constants } from 'node:fs';

/** The part of vitest's test context that is needed here. */
interface Skippable {
  skip(note?: string): never;
}

const required = process.env.METERLINE_REQUIRE_PEERS === '1';

/**
 * Skips the test with its reason when `program` (an absolute path) cannot be run here.
 * @throws Error under `METERLINE_REQUIRE_PEERS=1`, where a missing peer is a failure
 */
export function requirePeer(context: Skippable, program: string): void {
  try {
    accessSync(program, constants.X_OK);
  } catch {
    missingPeer(context, `${program} is not installed`);
  }
}

/** The same for a peer that is probed in some other way. */
export function missingPeer(context: Skippable, reason: string): void {
  if (required) throw new Error(`METERLINE_REQUIRE_PEERS=1, but ${reason}`);
  context.skip(reason);
}
