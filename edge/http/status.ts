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
    uplinkFault: gateway.uplinkFault(),
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

type Listed = { bus: string | null } & (BusMeter | (PushMeter & { unit?: undefined }));

/** When a meter was heard last, and how often it ought to be; a push that is heard says nothing of when it was measured. */
interface Heard {
  lastMs: number | null;
  expectedSeconds: number | null;
}

/** Before a second push there is nothing to go by: most meters that push do so once a day. */
const UNKNOWN_RHYTHM_SECONDS = 86_400;

function freshnessOf({ lastMs, expectedSeconds }: Heard, isSilent: boolean, nowMs: number): EdgeFreshness {
  if (isSilent) return EdgeFreshness.enum.silent;
  if (lastMs === null) return EdgeFreshness.enum.never;
  const longestMs = 2000 * (expectedSeconds ?? UNKNOWN_RHYTHM_SECONDS);
  return nowMs - lastMs <= longestMs ? EdgeFreshness.enum.fresh : EdgeFreshness.enum.late;
}

/** @param acceptedMs when its last reading was measured */
function heardOf(listed: Listed, acceptedMs: number | null, { gateway }: EdgeApiContext): Heard {
  if (listed.bus !== null)
    return { lastMs: acceptedMs, expectedSeconds: gateway.config().pollIntervalSeconds };
  const { meter, intervalSeconds = null } = listed as PushMeter;
  const push = gateway.push()?.meters.find((one) => one.meter === meter);
  const lastMs = Math.max(acceptedMs ?? 0, push?.lastAcceptedMs ?? 0);
  const observed = Math.ceil((push?.longestSilenceMs ?? 0) / 1000);
  return {
    lastMs: lastMs === 0 ? null : lastMs,
    expectedSeconds: intervalSeconds ?? (observed === 0 ? null : observed),
  };
}

function edgeMeters(context: EdgeApiContext): EdgeMeter[] {
  const { gateway, profiles, nowMs } = context;
  const { buses, pushMeters } = gateway.config();
  const silent = new Set(gateway.status().buses.flatMap((bus) => bus.silent));
  const all: Listed[] = [
    ...buses.flatMap(({ id, meters }) => meters.map((meter) => ({ bus: id, ...meter }))),
    ...pushMeters.map((meter) => ({ bus: null, ...meter })),
  ];
  return all.map((listed) => {
    const { bus, meter, unit = null, profile: id } = listed;
    const profile = profiles.get(id);
    const register = profile?.registers.find(({ billing }) => billing) ?? null;
    const last = register === null ? null : gateway.lastAccepted(meter, register.obis);
    const heard = heardOf(listed, last?.atMs ?? null, context);
    return {
      meter,
      bus,
      unit,
      profile: id,
      model: profile === undefined ? id : `${profile.make} ${profile.model}`,
      freshness: freshnessOf(heard, silent.has(meter), nowMs()),
      expectedSeconds: heard.expectedSeconds,
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
