/**
 * Settings from the cloud: checked like the file, tried, and kept only if the gateway still hears its meters and its
 * uplink. The state is on the disk before anything changes, so that a process that dies in a trial goes on with it, and
 * one that dies of it comes back without it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { z } from 'zod';
import { Id } from '../../protocols/reading.ts';
import { GatewayConfig, type GatewaySettings, type GatewayStatus } from '../../protocols/uplink.ts';
import { readDurable, writeDurably } from '../buffer/durable-file.ts';
import type { CheckedConfig, EdgeConfig } from '../config.ts';
import type { Gateway } from '../gateway.ts';
import type { Profiles } from '../profiles.ts';
import { mustPush, trialFailure } from './config-trial.ts';
import { NO_REMOTE_STATE, RemoteState } from './remote-state.ts';

export interface RemoteConfigOptions {
  /** Where the state is kept. */
  file: string;
  /** The gateway's own file with these settings in the place of its own. */
  check(settings: Omit<GatewaySettings, 'trialSeconds' | 'leftOut'>): CheckedConfig;
  profiles: Profiles;
  nowMs: () => number;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

type Running = Pick<Gateway, 'reconfigure' | 'status' | 'lastAccepted' | 'push' | 'config'>;
export type ConfigStatus = Pick<GatewayStatus, 'configVersion' | 'configState' | 'configReason'>;

/** A process that could not finish a trial in so many starts is not given another. */
const MOST_STARTS = 3;
const PERIODS = 3;
const LEAST_TRIAL_SECONDS = 120;

/** Enough to know which version a message is, whatever else is wrong with it. */
const Head = z.object({ gateway: Id, version: z.int().positive() });

export class RemoteConfig {
  readonly #options: RemoteConfigOptions;
  #state: RemoteState;
  #running: Running | null = null;
  #onChange: () => void = () => undefined;
  /** Ends the wait of the trial under way. */
  #waiting = new AbortController();
  #work: Promise<void> = Promise.resolve();

  constructor(options: RemoteConfigOptions) {
    this.#options = options;
    this.#state = readDurable(options.file, RemoteState) ?? NO_REMOTE_STATE;
  }

  /** The settings to run on, from the cloud where it gave any. */
  settings(): Omit<GatewaySettings, 'trialSeconds' | 'leftOut'> {
    return withoutTrial((this.#state.trial ?? this.#state.active)?.settings ?? {});
  }

  status(): ConfigStatus {
    const { state, reason, active, trial } = this.#state;
    if (state === null) return {};
    return {
      configVersion: (trial ?? active)?.version ?? null,
      configState: state,
      ...(reason === null ? {} : { configReason: reason }),
    };
  }

  /**
   * Before the gateway starts: what it starts on. A trial is counted; one that failed to finish too often, or that the
   * file of now does not go with, is undone.
   */
  startingConfig(): CheckedConfig {
    const { trial } = this.#state;
    if (trial !== null && trial.starts >= MOST_STARTS)
      this.#undo(`the process ended ${trial.starts} times during the trial`);
    else if (trial !== null) this.#keep({ trial: { ...trial, starts: trial.starts + 1 } });
    const checked = this.#options.check(this.settings());
    if (checked.ok || this.#state.trial === null) return checked;
    this.#undo(checked.errors.join('; '));
    return this.#options.check(this.settings());
  }

  /** The gateway runs on `startingConfig`. @param onChange is told when `status` has changed */
  begin(running: Running, onChange: () => void): void {
    this.#running = running;
    this.#onChange = onChange;
    const { trial } = this.#state;
    if (trial !== null) this.#await(trialMs(trial.settings, running.config()));
  }

  /** A message of the config topic. */
  take(payload: Buffer): Promise<void> {
    this.#work = this.#work
      .then(() => this.#take(payload))
      .catch((error: unknown) => this.#options.log.error({ err: error }, 'remote configuration failed'));
    return this.#work;
  }

  async stop(): Promise<void> {
    this.#waiting.abort();
    await this.#work;
  }

  async #take(payload: Buffer): Promise<void> {
    const { log } = this.#options;
    const message = parseJson(payload.toString());
    const head = Head.safeParse(message);
    const running = this.#running;
    if (running === null || !head.success || head.data.gateway !== running.config().gateway) {
      log.warn('a configuration that is none was ignored');
      return;
    }
    const { version } = head.data;
    if (version <= this.#state.seen) return;
    const parsed = GatewayConfig.safeParse(message);
    if (!parsed.success) return this.#refuse(version, z.prettifyError(parsed.error));
    const { settings } = parsed.data;
    const checked = this.#options.check(withoutTrial(settings));
    if (!checked.ok) return this.#refuse(version, byKey(checked.errors, settings));
    const startedAtMs = this.#options.nowMs();
    const ms = trialMs(settings, checked.config);
    const former = this.#state.trial;
    const heard = former?.heard ?? this.#heardBefore(running, startedAtMs, ms);
    const known = former?.known ?? listed(running.config()).map(({ meter }) => meter);
    this.#waiting.abort();
    this.#keep({
      seen: version,
      state: 'trial',
      reason: former === null ? null : `version ${former.version} was replaced before its trial ended`,
      trial: { version, settings, startedAtMs, starts: 1, heard, known },
    });
    const changed = await running.reconfigure(checked.config);
    if (!changed.ok) {
      this.#keep({ trial: former });
      if (former !== null) this.#await(trialMs(former.settings, running.config()));
      return this.#refuse(version, changed.detail);
    }
    log.info({ version, trialMs: ms, ...changed.changes }, 'configuration of the cloud is on trial');
    this.#onChange();
    this.#await(ms);
  }

  /** Waits for the end of the trial, and judges it. */
  #await(ms: number): void {
    this.#waiting = new AbortController();
    sleep(ms, undefined, { signal: this.#waiting.signal }).then(
      () => {
        this.#work = this.#work
          .then(() => this.#judge())
          .catch((error: unknown) => this.#options.log.error({ err: error }, 'remote configuration failed'));
      },
      () => undefined,
    );
  }

  async #judge(): Promise<void> {
    const { trial } = this.#state;
    const running = this.#running;
    if (trial === null || running === null) return;
    const { log } = this.#options;
    const { version, settings } = trial;
    const failure = trialFailure(this.#evidence(running, trial));
    if (failure === null) {
      this.#keep({ state: 'active', reason: null, active: { version, settings }, trial: null });
      log.info({ version }, 'configuration of the cloud has proved itself');
    } else {
      this.#undo(failure);
      const before = this.#options.check(this.settings());
      if (before.ok) await running.reconfigure(before.config);
      else log.error({ errors: before.errors }, 'the configuration before cannot be gone back to');
    }
    this.#onChange();
  }

  #evidence(running: Running, trial: NonNullable<RemoteState['trial']>) {
    const config = running.config();
    const [heard, known] = [new Set(trial.heard), new Set(trial.known)];
    const meters = listed(config);
    const kept = new Set([...meters.map(({ meter }) => meter), ...(trial.settings.leftOut ?? [])]);
    const since = new Set(this.#heardSince(config, trial.startedAtMs + 1));
    const { online, bufferedRows, lastReceiptAt } = running.status();
    const receiptMs = lastReceiptAt === null ? 0 : Temporal.Instant.from(lastReceiptAt).epochMilliseconds;
    return {
      meters: meters.map(({ meter, bus }) => ({
        meter,
        bus,
        before: heard.has(meter),
        since: since.has(meter),
        isNew: !known.has(meter),
      })),
      gone: trial.heard.filter((meter) => !kept.has(meter)),
      uplink: {
        connected: online,
        waitingRows: bufferedRows,
        receiptSince: receiptMs >= trial.startedAtMs,
      },
    };
  }

  /** Meters that have to be heard in a trial: those on a bus that were just heard, and those that push often enough. */
  #heardBefore(running: Running, nowMs: number, trialMs: number): string[] {
    const pushing = (running.push()?.meters ?? []).filter((pushes) => mustPush(pushes, nowMs, trialMs));
    const { pushMeters, ...polled } = running.config();
    // A poll period may go by between two readings of a meter that is well.
    const lookBackMs = Math.max(trialMs, 2 * polled.pollIntervalSeconds * 1000);
    return [
      ...this.#heardSince({ ...polled, pushMeters: [] }, nowMs - lookBackMs),
      ...pushing.map(({ meter }) => meter),
    ];
  }

  /** With a value: by its own stamp, or for one that pushes by the arrival as well. */
  #heardSince(config: Pick<EdgeConfig, 'buses' | 'pushMeters'>, ms: number): string[] {
    const pushed = new Map(
      this.#running?.push()?.meters.map(({ meter, lastAcceptedMs }) => [meter, lastAcceptedMs ?? 0]),
    );
    return listed(config)
      .filter(
        ({ meter, profile }) =>
          (pushed.get(meter) ?? 0) >= ms ||
          (this.#options.profiles.get(profile)?.registers ?? []).some(({ obis }) => {
            const last = this.#running?.lastAccepted(meter, obis) ?? null;
            return last !== null && last.value !== null && last.atMs >= ms;
          }),
      )
      .map(({ meter }) => meter);
  }

  #refuse(version: number, reason: string): void {
    this.#keep({ seen: version, state: 'refused', reason: shortened(reason) });
    this.#options.log.error({ version, reason }, 'configuration of the cloud is refused');
    this.#onChange();
  }

  #undo(reason: string): void {
    const version = this.#state.trial?.version;
    this.#keep({ state: 'rolled_back', reason: shortened(reason), trial: null });
    this.#options.log.error({ version, reason }, 'configuration of the cloud is undone');
  }

  #keep(change: Partial<RemoteState>): void {
    this.#state = { ...this.#state, ...change };
    writeDurably(this.#options.file, this.#state);
  }
}

const MOST_REASON = 2000;
const shortened = (reason: string): string => reason.slice(0, MOST_REASON);

/** What the settings hold is named by its key in them: the line would be that of the gateway's own file. */
const byKey = (errors: readonly string[], settings: object): string =>
  errors
    .map((error) => {
      const [, named = '', key = ''] = /:\d+: ((\w+).*)$/s.exec(error) ?? [];
      return Object.hasOwn(settings, key) ? named : error;
    })
    .join('; ');

const withoutTrial = ({ trialSeconds: _, leftOut: __, ...settings }: GatewaySettings) => settings;

const trialMs = (
  { trialSeconds }: GatewaySettings,
  { pollIntervalSeconds }: Pick<EdgeConfig, 'pollIntervalSeconds'>,
): number =>
  1000 *
  Math.max(
    trialSeconds ?? Math.max(PERIODS * pollIntervalSeconds, LEAST_TRIAL_SECONDS),
    pollIntervalSeconds + 1,
  );

const listed = ({
  buses,
  pushMeters,
}: Pick<EdgeConfig, 'buses' | 'pushMeters'>): { meter: string; profile: string; bus: string }[] => [
  ...buses.flatMap(({ id, meters }) => meters.map(({ meter, profile }) => ({ meter, profile, bus: id }))),
  ...pushMeters.map(({ meter, profile }) => ({ meter, profile, bus: '' })),
];

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
