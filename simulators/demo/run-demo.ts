/** One whole month through the real line: simulated meters on real wires, gateway and cloud as processes, then billing and proof. */
import { join } from 'node:path';
import { z } from 'zod';
import { createSupervisor, type Supervisor } from '../../supervisor.ts';
import type { CheckResult } from '../checker.ts';
import { type Fleet, startFleet } from '../meters/fleet.ts';
import { connectPushMeters } from '../meters/push-meters.ts';
import { type GeneratedPark, generatePark } from '../park/generate-park.ts';
import { readProfiles } from '../profiles.ts';
import { createApiClient } from './api-client.ts';
import { type ClosedMonth, checkNights, checkReadings, closeMonth } from './close-month.ts';
import { DrivenTime, driveMonth, type Kill } from './drive-month.ts';
import { freePorts } from './free-ports.ts';
import { type Installation, writeInstallation } from './installation.ts';
import { judgeMonth, type Verdict } from './verdict.ts';

export interface DemoOptions {
  seed: number;
  period: string;
  /** Where configurations, databases, logs and statements go. */
  folder: string;
  kills: readonly Kill[];
  onProgress: (progress: Progress) => void;
}

export interface Progress {
  stage: 'starting' | 'metering' | 'checking' | 'billing';
  /** The simulated instant. */
  atMs: number;
  /** Of the month, 0 to 1. */
  done: number;
}

export interface DemoOutcome {
  generated: GeneratedPark;
  readings: CheckResult;
  month: ClosedMonth;
  verdict: Verdict;
  seconds: number;
  restarts: { edge: number; cloud: number };
  /** Serial lines that had to become sockets on this platform. */
  withoutTerminals: string[];
}

/** A child ended for good, or time ran out. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
  readonly code = 'demo_failed';
}

/** @throws DemoError, ApiRefusal; Error when a port is taken */
export async function runDemo(options: DemoOptions): Promise<DemoOutcome> {
  const started = performance.now();
  const { seed, period, folder, onProgress } = options;
  const profiles = readProfiles();
  const generated = generatePark({ seed, period, profiles });
  const { truth, wiring, park } = generated;
  onProgress({ stage: 'starting', atMs: truth.grid.fromMs, done: 0 });

  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);
  const supervisor = createSupervisor((child, code) => {
    if (code === 2) broken.reject(new DemoError(`the ${child} refused its configuration: see its log`));
  });
  const time = new DrivenTime(supervisor, truth.grid.fromMs);
  const fleet = await startFleet(wiring, { truth, profiles, clock: time });
  try {
    const [http = 0, broker = 0, push = 0] = await freePorts(3);
    const ports = { http, broker, push };
    const installation = writeInstallation(folder, { park, wiring, fleet, ports, clock: 'driven' });
    const work = liveMonth(options, { generated, installation, supervisor, time, fleet });
    const { readings, month } = await Promise.race([work, broken.promise]);
    return {
      generated,
      readings,
      month,
      verdict: judgeMonth(park, generated.planted, readings, month),
      seconds: (performance.now() - started) / 1000,
      restarts: { edge: supervisor.restarts('edge'), cloud: supervisor.restarts('cloud') },
      withoutTerminals: fleet.withoutTerminals,
    };
  } finally {
    await supervisor.stop();
    await fleet.close();
  }
}

interface Line {
  generated: GeneratedPark;
  installation: Installation;
  supervisor: Supervisor;
  time: DrivenTime;
  fleet: Fleet;
}

async function liveMonth(
  { period, folder, kills, onProgress }: DemoOptions,
  { generated, installation, supervisor, time, fleet }: Line,
): Promise<{ readings: CheckResult; month: ClosedMonth }> {
  const { truth, wiring, planted } = generated;
  await startChildren(installation, supervisor, time);
  const push = connectPushMeters(installation.pushUrl, wiring.push, truth);
  try {
    const { outage } = planted;
    await driveMonth({
      ...{ truth, time, fleet, push, outage, supervisor, kills },
      onProgress: (atMs, done) => onProgress({ stage: 'metering', atMs, done }),
    });
  } finally {
    await push.close();
  }
  const api = createApiClient(installation.apiUrl, installation.adminKey);
  const end = { atMs: truth.grid.toMs, done: 1 };
  onProgress({ stage: 'checking', ...end });
  const readings = await checkReadings(api, truth, [planted.outage]);
  await checkNights(api, period);
  onProgress({ stage: 'billing', ...end });
  const month = await closeMonth(api, { period, truth, folder: join(folder, 'statements') });
  return { readings, month };
}

const ReadyMessage = z.looseObject({ type: z.literal('ready') });

/** Resolves when the cloud answers. The gateway starts after it: it would back off from a broker that is not there yet. */
async function startChildren(
  { cloudConfig, edgeConfig, logs, adminKey }: Installation,
  supervisor: Supervisor,
  time: DrivenTime,
): Promise<void> {
  const ready = Promise.withResolvers<void>();
  supervisor.start(
    {
      name: 'cloud',
      args: ['cloud', '--config', cloudConfig],
      env: { METERLINE_ADMIN_KEY: adminKey },
      logFile: logs.cloud,
    },
    {
      onStart: () => time.tell('cloud'),
      onMessage: (message) => ReadyMessage.safeParse(message).success && ready.resolve(),
    },
  );
  const limit = setTimeout(() => ready.reject(new DemoError('the cloud is not up after 60 s')), 60_000);
  await ready.promise.finally(() => clearTimeout(limit));
  supervisor.start(
    { name: 'edge', args: ['edge', '--config', edgeConfig], logFile: logs.edge },
    { onStart: () => time.tell('edge'), onMessage: time.hear },
  );
}
