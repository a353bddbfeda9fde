/**
 * The demo park, live: first the last whole month and the days since run through the real line at full speed, then simulated
 * time is the machine's. What was reached is kept in the data folder, so that the next start goes on from there.
 */
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { createSupervisor } from '../../process/supervisor.ts';
import { BillingRun, page, StatementSummary } from '../../protocols/api.ts';
import { createApiClient } from '../demo/api-client.ts';
import { checkNight, checkReadings } from '../demo/close-month.ts';
import { DrivenTime } from '../demo/drive-month.ts';
import { freePorts } from '../demo/free-ports.ts';
import { writeInstallation } from '../demo/installation.ts';
import { startChildren } from '../demo/start-children.ts';
import { startFleet } from '../meters/fleet.ts';
import { connectPushMeters } from '../meters/push-meters.ts';
import { type GeneratedPark, generatePark, timeZone } from '../park/generate-park.ts';
import { readProfiles } from '../profiles.ts';

/** What was reached: every boundary up to `throughMs` has been polled. */
const LiveState = z.strictObject({ seed: z.int(), period: z.string(), throughMs: z.int() });
type LiveState = z.infer<typeof LiveState>;

export type LiveEvent =
  /** The folder holds a park already, which has another seed than the one asked for: it goes on. */
  | { kind: 'other_seed'; seed: number }
  | { kind: 'up'; url: string; freshPassword: string | null }
  | { kind: 'catching_up'; fromMs: number; atMs: number; toMs: number }
  | { kind: 'billed'; run: BillingRun; link: string | null }
  | { kind: 'live'; meters: number };

export interface LiveOptions {
  /** Of a park that is new; 1 if not given. */
  seed?: number | undefined;
  folder: string;
  httpPort: number;
  onEvent: (event: LiveEvent) => void;
  signal: AbortSignal;
}

const TICK_MS = 1_000;

/** Runs until the signal. @throws Error when the port is taken or a child refuses to start */
export async function runLive(options: LiveOptions): Promise<void> {
  const { seed, folder, httpPort, signal } = options;
  await refuseTakenPort(httpPort);
  holdFolder(folder);
  const profiles = readProfiles();
  const state = readState(folder) ?? firstState(seed ?? 1);
  if (seed !== undefined && seed !== state.seed) options.onEvent({ kind: 'other_seed', seed: state.seed });
  const generated = generatePark({ seed: state.seed, period: state.period, profiles });
  const { promise: broken, reject } = Promise.withResolvers<never>();
  broken.catch(() => undefined);
  const supervisor = createSupervisor((child, code) => {
    if (code === 2)
      reject(new Error(`the ${child} process refused to start: see ${join(folder, `${child}.log`)}`));
  });
  const time = new DrivenTime(supervisor, state.throughMs);
  const fleet = await startFleet(generated.wiring, { truth: generated.truth, profiles, clock: time });
  try {
    const [broker = 0, pushPort = 0] = await freePorts(2);
    const { park, wiring } = generated;
    const ports = { http: httpPort, broker, push: pushPort };
    const installation = writeInstallation(folder, { park, wiring, fleet, ports, clock: 'driven' });
    const up = await Promise.race([startChildren(installation, supervisor, time), broken]);
    options.onEvent({ kind: 'up', url: installation.apiUrl, freshPassword: up.freshPassword });
    const push = connectPushMeters(installation.pushUrl, wiring.push, generated.truth);
    const converter =
      fleet.buses.find(({ wiring: { id } }) => id === generated.planted.outage.bus)?.converter ?? null;
    const api = createApiClient(installation.apiUrl, installation.adminKey);
    const work = follow({ options, state, generated, time, push, converter, api });
    await Promise.race([work, broken, aborted(signal)]).finally(() => push.close());
  } finally {
    await supervisor.stop();
    await fleet.close();
    rmSync(join(folder, 'pid'), { force: true });
  }
}

interface Line {
  options: LiveOptions;
  state: LiveState;
  generated: GeneratedPark;
  time: DrivenTime;
  push: ReturnType<typeof connectPushMeters>;
  converter: { on(): Promise<unknown>; off(): Promise<unknown> } | null;
  api: ReturnType<typeof createApiClient>;
}

async function follow(line: Line): Promise<void> {
  const { options, state, generated } = line;
  await catchUp(line);
  options.onEvent({ kind: 'live', meters: generated.park.meters.length });
  const { intervalMs } = generated.truth.grid;
  while (!options.signal.aborted) {
    const nowMs = Date.now();
    line.time.pass(nowMs);
    const boundary = nowMs - (nowMs % intervalMs);
    if (boundary > state.throughMs) {
      await line.push.publish(boundary);
      reach(line, boundary);
    }
    await sleep(TICK_MS);
  }
}

/** Boundary by boundary, as fast as the line goes, through the month that is billed and on to the present. */
async function catchUp(line: Line): Promise<void> {
  const { options, state, generated, time, push, converter } = line;
  const { grid } = generated.truth;
  const { outage } = generated.planted;
  const fromMs = state.throughMs;
  for (let atMs = fromMs; atMs <= Date.now() && !options.signal.aborted; atMs += grid.intervalMs) {
    await (atMs >= outage.fromMs && atMs < outage.toMs ? converter?.off() : converter?.on());
    // One after the other: a gateway that does not know the time yet refuses readings from the future.
    await time.moveTo(atMs);
    await push.publish(atMs);
    state.throughMs = atMs;
    const day = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timeZone);
    if (day.hour === 0 && day.minute === 0) {
      reach(line, atMs);
      options.onEvent({ kind: 'catching_up', fromMs, atMs, toMs: Date.now() });
    }
    if (atMs === grid.toMs) await bill(line);
  }
}

/** The month is whole: its nights are checked and its charges issued, as the demo does. */
async function bill({ options, state, generated, api }: Line): Promise<void> {
  const { truth, planted } = generated;
  await checkReadings(api, truth, [planted.outage]);
  const month = Temporal.PlainYearMonth.from(state.period);
  for (let day = 1; day <= month.daysInMonth; day += 1) await checkNight(api, month.toPlainDate({ day }));
  const acceptEstimates = { by: 'demo', reason: '通信中断期间按同类日曲线估算,总量与表底一致' };
  const run = await api.post('/api/v1/billing-runs', { period: state.period, acceptEstimates }, BillingRun);
  const { items } = await api.get(`/api/v1/statements?period=${state.period}`, page(StatementSummary));
  options.onEvent({ kind: 'billed', run, link: items[0]?.link ?? null });
}

/** Found out before anything is started: the first start mints a password that is shown only once. */
async function refuseTakenPort(port: number): Promise<void> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Error(`port ${port} is in use: choose another, for example --port ${port + 10}`, {
      cause: error,
    });
  } finally {
    server.close();
  }
}

/** Two processes on one folder would write over each other. The mark of a process that is gone is taken over. */
function holdFolder(folder: string): void {
  const file = join(folder, 'pid');
  const holder = existsSync(file) ? Number(readFileSync(file, 'utf8')) : null;
  if (holder !== null && holder !== process.pid && isRunning(holder))
    throw new Error(
      `${folder} is in use by process ${holder}: stop it, or choose another folder with --data`,
    );
  writeFileSync(file, String(process.pid));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function firstState(seed: number): LiveState {
  const month = Temporal.Now.zonedDateTimeISO(timeZone)
    .toPlainDate()
    .toPlainYearMonth()
    .subtract({ months: 1 });
  const throughMs = month.toPlainDate({ day: 1 }).toZonedDateTime(timeZone).epochMilliseconds;
  return { seed, period: month.toString(), throughMs };
}

const stateFile = (folder: string): string => join(folder, 'live.json');

function readState(folder: string): LiveState | null {
  try {
    return LiveState.parse(JSON.parse(readFileSync(stateFile(folder), 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new Error(`${stateFile(folder)} cannot be read: delete the folder to start over`, { cause: error });
  }
}

function reach({ options, state }: Line, throughMs: number): void {
  state.throughMs = throughMs;
  writeFileSync(stateFile(options.folder), JSON.stringify(state));
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
