/** Starts cloud and gateway as children whose time is driven. */
import { z } from 'zod';
import type { Supervisor } from '../../process/supervisor.ts';
import type { DrivenTime } from './drive-month.ts';
import type { Installation } from './installation.ts';

/** What the cloud says when it answers. */
const ReadyMessage = z.looseObject({
  type: z.literal('ready'),
  /** The operator's password, at the first start on a data folder. */
  freshPassword: z.string().nullable(),
});
export interface StartedCloud {
  freshPassword: string | null;
}

const limitSeconds = 60;

/**
 * Resolves when the cloud answers. The gateway starts after it: it would back off from a broker that is not there yet.
 * @throws Error when the cloud does not come up
 */
export async function startChildren(
  { cloudConfig, edgeConfig, logs, adminKey }: Installation,
  supervisor: Supervisor,
  time: DrivenTime,
): Promise<StartedCloud> {
  const ready = Promise.withResolvers<StartedCloud>();
  supervisor.start(
    {
      name: 'cloud',
      args: ['cloud', '--config', cloudConfig],
      env: { METERLINE_ADMIN_KEY: adminKey },
      logFile: logs.cloud,
    },
    {
      onStart: () => time.tell('cloud'),
      onMessage(message) {
        const parsed = ReadyMessage.safeParse(message);
        if (parsed.success) ready.resolve({ freshPassword: parsed.data.freshPassword });
      },
    },
  );
  const limit = setTimeout(
    () => ready.reject(new Error(`the cloud is not up after ${limitSeconds} s: see ${logs.cloud}`)),
    limitSeconds * 1000,
  );
  const started = await ready.promise.finally(() => clearTimeout(limit));
  supervisor.start(
    { name: 'edge', args: ['edge', '--config', edgeConfig], logFile: logs.edge },
    { onStart: () => time.tell('edge'), onMessage: time.hear },
  );
  return started;
}
