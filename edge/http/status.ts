/** `/api/v1/status`, `/meters`, `/profiles`; the probes of whoever runs the process; its figures for Prometheus. */
import { z } from 'zod';
import { EdgeFreshness, EdgeMeter, EdgeProfile, EdgeStatus } from '../../protocols/edge-api.ts';
import type { BusMeter } from '../config.ts';
import { linkName } from '../line/line-stream.ts';
import type { PushMeter } from '../push/push-meter.ts';
import type { EdgeApi, EdgeApiContext } from './context.ts';
import { figuresOf } from './figures.ts';
import { metricsText } from './metrics.ts';
import { EdgeRefused } from './problems.ts';

const Up = z.strictObject({ status: z.literal('ok') });
const instantText = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();

function edgeStatus({ gateway, liveWork, nowMs }: EdgeApiContext): EdgeStatus {
  const status = gateway.status();
  return {
    gateway: status.gateway,
    at: instantText(nowMs()),
    pollIntervalSeconds: gateway.config().pollIntervalSeconds,
    connected: status.online,
    lastReceiptAt: status.lastReceiptAt,
    bufferedRows: status.bufferedRows,
    bufferedBytes: gateway.buffer().bytes,
    oldestBufferedAt: status.oldestBufferedAt,
    configVersion: status.configVersion ?? null,
    configState: status.configState ?? null,
    buses: status.buses.map(({ bus, meters, silent, requests, failures, cycle }) => {
      const live = gateway.bus(bus);
      return {
        bus,
        link: live === null ? '' : linkName(live.link),
        meters,
        silent,
        requests,
        failures,
        cycleMilliseconds: cycle?.milliseconds ?? null,
        utilisation: cycle?.utilisation ?? null,
        liveWork: liveWork.get(bus)?.kind ?? null,
      };
    }),
  };
}

function freshnessOf(
  lastMs: number | null,
  isSilent: boolean,
  nowMs: number,
  intervalMs: number,
): EdgeFreshness {
  if (isSilent) return EdgeFreshness.enum.silent;
  if (lastMs === null) return EdgeFreshness.enum.never;
  return nowMs - lastMs <= 2 * intervalMs ? EdgeFreshness.enum.fresh : EdgeFreshness.enum.late;
}

type Listed = { bus: string | null } & (BusMeter | (PushMeter & { unit?: undefined }));

function edgeMeters({ gateway, profiles, nowMs }: EdgeApiContext): EdgeMeter[] {
  const { buses, pushMeters, pollIntervalSeconds } = gateway.config();
  const silent = new Set(gateway.status().buses.flatMap((bus) => bus.silent));
  const listed: Listed[] = [
    ...buses.flatMap(({ id, meters }) => meters.map((meter) => ({ bus: id, ...meter }))),
    ...pushMeters.map((meter) => ({ bus: null, ...meter })),
  ];
  return listed.map(({ bus, meter, unit = null, profile: id }) => {
    const profile = profiles.get(id);
    const register = profile?.registers.find(({ billing }) => billing) ?? null;
    const last = register === null ? null : gateway.lastAccepted(meter, register.obis);
    return {
      meter,
      bus,
      unit,
      profile: id,
      model: profile === undefined ? id : `${profile.make} ${profile.model}`,
      freshness: freshnessOf(last?.atMs ?? null, silent.has(meter), nowMs(), pollIntervalSeconds * 1000),
      register: register?.obis ?? null,
      value: last?.value ?? null,
      valueUnit: register?.unit ?? null,
      readAt: last === null ? null : instantText(last.atMs),
    };
  });
}

export function statusRoutes(api: EdgeApi, context: EdgeApiContext): void {
  const { gateway, profiles } = context;
  api.get('/healthz', { config: { reach: 'open' }, schema: { response: { 200: Up } } }, async () => ({
    status: 'ok' as const,
  }));
  api.get('/readyz', { config: { reach: 'open' }, schema: { response: { 200: Up } } }, async () => {
    const { refused } = gateway.buffer();
    if (refused > 0) throw new EdgeRefused('not_ready', `the buffer was full: ${refused} readings refused`);
    return { status: 'ok' as const };
  });
  api.get('/metrics', { config: { reach: 'signed_in' } }, async (_, reply) =>
    reply.type('text/plain; version=0.0.4').send(metricsText(figuresOf(context))),
  );
  api.get(
    '/api/v1/status',
    { config: { reach: 'signed_in' }, schema: { response: { 200: EdgeStatus } } },
    async () => edgeStatus(context),
  );
  api.get(
    '/api/v1/meters',
    {
      config: { reach: 'signed_in' },
      schema: { response: { 200: z.strictObject({ items: z.array(EdgeMeter) }) } },
    },
    async () => ({ items: edgeMeters(context) }),
  );
  api.get(
    '/api/v1/profiles',
    {
      config: { reach: 'signed_in' },
      schema: { response: { 200: z.strictObject({ items: z.array(EdgeProfile) }) } },
    },
    async () => ({
      items: [...profiles.values()].map(({ id, make, model, protocol, utility }) => ({
        id,
        make,
        model,
        protocol,
        utility,
      })),
    }),
  );
}
