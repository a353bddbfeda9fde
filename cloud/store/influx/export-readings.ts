/**
 * The optional exporter of readings to InfluxDB 2, for curves. The store is the truth: it says which hours have readings
 * that were not exported, and an hour is written whole, so that writing it again changes nothing and a killed exporter or
 * server costs only time.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { HttpError, InfluxDB, Point, type WriteApi } from '@influxdata/influxdb-client';
import { formatMicro } from '../../../protocols/units.ts';
import type { Clock } from '../../clock.ts';
import type { DirtyHour } from '../port/exports.ts';
import type { ReadingRow } from '../port/readings.ts';
import type { Store } from '../store.ts';

/** The `influx` section of the configuration. */
export interface InfluxTarget {
  url: string;
  /** Write path of a server that does not speak `/api/v2/write`: `/write?db=...&precision=ms`. */
  path?: string | undefined;
  org: string;
  bucket: string;
  token: string;
}
type ExportStore = Pick<Store, 'exportDirtyHours' | 'hourReadings' | 'clearExportDirty'>;
interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface ExportStatus {
  /** Points that the server has confirmed, repeats included. */
  points: number;
  hours: number;
  /** Hours that the server refuses as data; each is tried again when it changes or the process restarts. */
  refusedHours: number;
  /** Faults in a row; 0 when the server answers. */
  failures: number;
  lastExportMs: number | null;
}
export interface Exporter {
  status(): ExportStatus;
  /** Ends after the request under way. */
  stop(): Promise<void>;
}

/** Points a request. */
const CHUNK = 5000;
/** The server understood the request and refuses the data: trying again at once cannot help. */
const DATA_REFUSED = new Set([400, 413, 422]);

/** An hour of readings could not be exported; `cause` is the client's error. */
export class ExportError extends Error {
  override readonly name = 'ExportError';
  readonly code: 'export_refused' | 'export_unavailable';
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    const refused = cause instanceof HttpError && DATA_REFUSED.has(cause.statusCode);
    this.code = refused ? 'export_refused' : 'export_unavailable';
  }
}

/** A float to draw, and beside it the exact decimal, which no float may stand in for. */
export function pointOf({ meter, register, unit, value, code, atMs }: ReadingRow): Point {
  const point = new Point('reading').tag('meter', meter).tag('register', register).tag('unit', unit);
  if (value !== null) {
    const exact = formatMicro(value);
    point.floatField('value', exact).stringField('exact', exact);
  }
  if (code !== null) point.stringField('code', code);
  return point.timestamp(atMs);
}

/**
 * A writer of one request a call, that resolves only when the server has confirmed it. The client must neither split
 * nor hold nor retry: what it sends on its own, and how that ends, it does not tell.
 */
function pointWriter({ url, path, org, bucket, token }: InfluxTarget) {
  const api: WriteApi = new InfluxDB({ url, token }).getWriteApi(org, bucket, 'ms', {
    batchSize: CHUNK + 1,
    maxBatchBytes: Number.MAX_SAFE_INTEGER,
    flushInterval: 0,
    maxRetries: 0,
    writeFailed: (error) => Promise.reject(error),
  });
  if (path !== undefined) api.path = path;
  return async (points: Point[]): Promise<void> => {
    api.writePoints(points);
    await api.flush(true).catch((error: unknown) => {
      throw new ExportError(error);
    });
  };
}

/** Pauses in milliseconds: between two looks for work, and after a fault, doubling from `retryFirst` to `retryMost`. */
export interface ExportPace {
  idle: number;
  retryFirst: number;
  retryMost: number;
}
const usualPace: ExportPace = { idle: 5000, retryFirst: 1000, retryMost: 60_000 };

/** Starts exporting; runs until stopped, whatever the server does. */
export function startExporter(options: {
  store: ExportStore;
  influx: InfluxTarget;
  clock: Clock;
  log: Log;
  pace?: ExportPace;
}): Exporter {
  const { store, influx, clock, log, pace = usualPace } = options;
  const write = pointWriter(influx);
  const stopping = new AbortController();
  const { signal } = stopping;
  const refused = new Map<number, number>();
  const totals = { points: 0, hours: 0, failures: 0, lastExportMs: null as number | null };

  const exportHour = async ({ hour, version }: DirtyHour): Promise<void> => {
    for (let after: ReadingRow | null = null; !signal.aborted; ) {
      const rows: ReadingRow[] = await store.hourReadings({ hour, after, limit: CHUNK });
      if (rows.length > 0) await write(rows.map(pointOf));
      totals.points += rows.length;
      if (rows.length < CHUNK) {
        await store.clearExportDirty({ hour, version });
        totals.hours += 1;
        totals.lastExportMs = clock.nowMs();
        refused.delete(hour);
        return;
      }
      after = rows.at(-1) ?? null;
    }
  };

  /** One look at every marked hour, the oldest first. An hour that is refused does not hold up the others. */
  const pass = async (): Promise<void> => {
    for (let afterHour = 0; !signal.aborted; ) {
      const marked = await store.exportDirtyHours({ afterHour, limit: 100 });
      for (const mark of marked) {
        if (signal.aborted) return;
        afterHour = mark.hour;
        if (refused.get(mark.hour) === mark.version) continue;
        try {
          await exportHour(mark);
        } catch (error) {
          if (!(error instanceof ExportError) || error.code !== 'export_refused') throw error;
          refused.set(mark.hour, mark.version);
          log.warn({ err: error, hour: mark.hour }, 'the curve store refuses the readings of this hour');
        }
        totals.failures = 0;
      }
      if (marked.length === 0) return;
    }
  };

  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      let pause = pace.idle;
      try {
        await pass();
      } catch (error) {
        totals.failures += 1;
        const ceiling = Math.min(pace.retryMost, pace.retryFirst * 2 ** Math.min(totals.failures - 1, 30));
        pause = ceiling * (0.5 + Math.random() / 2);
        log.warn({ err: error, failures: totals.failures, pauseMilliseconds: pause }, 'export failed');
      }
      await delay(pause, undefined, { signal }).catch(() => undefined);
    }
  };
  log.info({ url: influx.url, bucket: influx.bucket }, 'exporting readings');
  const running = run();
  return {
    status: () => ({ ...totals, refusedHours: refused.size }),
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
