/** One whole month through the real line: simulated meters on real wires, gateway and cloud as processes, then billing and proof. */
import { join } from 'node:path';
import { createSupervisor, type Supervisor } from '../../process/supervisor.ts';
import type { CheckResult } from '../compare-readings.ts';
import { type Fleet, startFleet } from '../meters/fleet.ts';
import { connectPushMeters } from '../meters/push-meters.ts';
import { type GeneratedPark, generatePark } from '../park/generate-park.ts';
import { readProfiles } from '../profiles.ts';
import { type ApiClient, createApiClient } from './api-client.ts';
import { type ClosedMonth, checkNights, checkReadings, closeMonth } from './close-month.ts';
import { DrivenTime, driveMonth, type Kill } from './drive-month.ts';
import { freePorts } from './free-ports.ts';
import { type DemoServer, type Installation, writeInstallation } from './installation.ts';
import { startChildren } from './start-children.ts';
import { judgeMonth, type Verdict } from './verdict.ts';

export interface DemoOptions {
  seed: number;
  period: string;
  /** Where configurations, databases, logs and statements go. */
  folder: string;
  postgres?: DemoServer | undefined;
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

/** Meters on their wires, gateway and cloud as running processes, and the time they share. */
export interface RunningLine {
  generated: GeneratedPark;
  installation: Installation;
  supervisor: Supervisor;
  time: DrivenTime;
  fleet: Fleet;
  api: ApiClient;
}

/** What is stored is not what the meters showed: there is nothing to bill. */
export class ReadingsDifferError extends Error {
  override readonly name = 'ReadingsDifferError';
  readonly code = 'readings_differ';
  constructor({ findings, ...figures }: CheckResult) {
    super(
      [`readings differ from what the meters showed: ${JSON.stringify(figures)}`, ...findings].join('\n'),
    );
  }
}

/** @throws ReadingsDifferError; ApiRefusal; Error when a child ends for good, a port is taken or time runs out */
export async function runDemo(options: DemoOptions): Promise<DemoOutcome> {
  const started = performance.now();
  const { seed, period, folder, onProgress } = options;
  const generated = generatePark({ seed, period, profiles: readProfiles() });
  const { grid } = generated.truth;
  onProgress({ stage: 'starting', atMs: grid.fromMs, done: 0 });
  return withLine(generated, options, async (line) => {
    const { api, supervisor } = line;
    const readings = await meterThrough(line, options);
    const { lost, duplicated, altered, unexplained } = readings;
    if (lost + duplicated + altered + unexplained > 0) throw new ReadingsDifferError(readings);
    await checkNights(api, period);
    onProgress({ stage: 'billing', atMs: grid.toMs, done: 1 });
    const { park, truth, planted } = generated;
    const month = await closeMonth(api, { period, truth, folder: join(folder, 'statements') });
    return {
      generated,
      readings,
      month,
      verdict: judgeMonth(park, planted, readings, month),
      seconds: (performance.now() - started) / 1000,
      restarts: { edge: supervisor.restarts('edge'), cloud: supervisor.restarts('cloud') },
      withoutTerminals: line.fleet.withoutTerminals,
    };
  });
}

/** Starts a line in `folder`, does the work, and stops all of it again. */
export async function withLine<T>(
  generated: GeneratedPark,
  { folder, postgres }: Pick<DemoOptions, 'folder' | 'postgres'>,
  work: (line: RunningLine) => Promise<T>,
): Promise<T> {
  const { truth, wiring, park } = generated;
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);
  const supervisor = createSupervisor((child, code) => {
    if (code === 2) broken.reject(new Error(`the ${child} refused its configuration: see its log`));
  });
  const time = new DrivenTime(supervisor, truth.grid.fromMs);
  const fleet = await startFleet(wiring, { truth, profiles: readProfiles(), clock: time });
  try {
    const [http = 0, broker = 0, push = 0] = await freePorts(3);
    const ports = { http, broker, push };
    const installation = writeInstallation(folder, { park, wiring, fleet, ports, clock: 'driven', postgres });
    const api = createApiClient(installation.apiUrl, installation.adminKey);
    await Promise.race([startChildren(installation, supervisor, time), broken.promise]);
    const line = { generated, installation, supervisor, time, fleet, api };
    return await Promise.race([work(line), broken.promise]);
  } finally {
    await supervisor.stop();
    await fleet.close();
  }
}

/** Drives the truth's whole grid through the line, and compares what is stored with what the meters showed. */
export async function meterThrough(
  { generated, installation, supervisor, time, fleet, api }: RunningLine,
  { kills, onProgress }: Pick<DemoOptions, 'kills' | 'onProgress'>,
): Promise<CheckResult> {
  const { truth, wiring, planted } = generated;
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
  onProgress({ stage: 'checking', atMs: truth.grid.toMs, done: 1 });
  return checkReadings(api, truth, [planted.outage]);
}
