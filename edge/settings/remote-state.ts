/** What the gateway knows of the cloud's settings, on the disk: which are at work, which are on trial. */
import { z } from 'zod';
import { ConfigState, GatewaySettings } from '../../protocols/uplink.ts';

const Versioned = z.strictObject({ version: z.int().positive(), settings: GatewaySettings });

export const RemoteState = z.strictObject({
  /** The newest version that was looked at; nothing older is looked at again. */
  seen: z.int().nonnegative(),
  /** What became of it. */
  state: ConfigState.nullable(),
  reason: z.string().nullable(),
  /** At work before the trial, and after it if it fails; null: those of the gateway's own file. */
  active: Versioned.nullable(),
  trial: Versioned.extend({
    startedAtMs: z.int(),
    /** How often the process has started with it: what kills it each time is undone. */
    starts: z.int().positive(),
    /** Meters that were heard before, and all that were listed. */
    heard: z.array(z.string()),
    known: z.array(z.string()),
  }).nullable(),
});
export type RemoteState = z.infer<typeof RemoteState>;

export const NO_REMOTE_STATE: RemoteState = {
  seen: 0,
  state: null,
  reason: null,
  active: null,
  trial: null,
};
