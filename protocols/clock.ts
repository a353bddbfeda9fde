/**
 * Driven time, for simulated months: a parent process owns the clock and tells its children over the Node IPC channel.
 * A child that has nothing to do before an instant says so (`waiting`); the parent moves time on when all are waiting.
 */
import { z } from 'zod';
import { InstantText } from './reading.ts';

/** Parent to child. */
export const ClockMessage = z.strictObject({ type: z.literal('clock'), now: InstantText });
export type ClockMessage = z.infer<typeof ClockMessage>;

/** Child to parent. */
export const WaitingMessage = z.strictObject({ type: z.literal('waiting'), until: InstantText });
export type WaitingMessage = z.infer<typeof WaitingMessage>;
