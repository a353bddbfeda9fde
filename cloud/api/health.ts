/** `/api/v1/health`, the probes of whoever runs the process, and its few figures for Prometheus. */
import { z } from 'zod';
import { Health } from '../../protocols/api.ts';
import { Refused } from '../errors.ts';
import type { Intake } from '../take-batch.ts';
import type { Api, ApiContext } from './context.ts';
import { healthReport } from './health-report.ts';

async function currentHealth({ store, park, clock, intervalMinutes, silentMs }: ApiContext): Promise<Health> {
  const [lastReadings, gateways, open, quarantined] = await Promise.all([
    store.lastReadings(),
    store.gatewayStatuses(),
    store.anomalies({ openOnly: true }),
    store.quarantineCount(),
  ]);
  const nowMs = clock.nowMs();
  return healthReport({
    park,
    nowMs,
    intervalMinutes,
    lastReadings,
    gateways,
    silentMs,
    openAnomalies: open.length,
    quarantined,
  });
}

/** Prometheus text format, by hand: name, help, type and value of a gauge. */
const gauge = (name: string, help: string, value: number): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`;

const counter = (name: string, help: string, value: number): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} counter\n${name} ${value}\n`;

const figures = (health: Health): string =>
  [
    gauge('meterline_meters', 'Meters of the park.', health.meters),
    gauge('meterline_meters_fresh', 'Meters read within two intervals.', health.fresh),
    gauge('meterline_open_anomalies', 'Anomalies that have not ended.', health.openAnomalies),
    gauge('meterline_quarantined', 'Messages kept aside with a reason.', health.quarantined),
    gauge(
      'meterline_gateways_online',
      'Gateways that are connected.',
      health.gateways.filter(({ online }) => online).length,
    ),
    gauge(
      'meterline_gateway_buffered_rows',
      'Readings that wait in the gateways for a receipt.',
      health.gateways.reduce((sum, { bufferedRows }) => sum + bufferedRows, 0),
    ),
    gauge(
      'meterline_gateway_alarms',
      'Gateways that are offline, silent, behind, off the time, or sign with another key.',
      health.gateways.filter(({ alarms }) => alarms.length > 0).length,
    ),
    gauge('meterline_resident_bytes', 'Memory of the process.', process.memoryUsage.rss()),
  ].join('');

/** Of the embedded broker: `meterline_broker_refused_connections_total` and so on. */
const brokerFigures = (counters: ReturnType<NonNullable<ApiContext['brokerCounters']>>): string =>
  Object.entries(counters)
    .map(([name, value]) => {
      const words = name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
      const metric = `meterline_broker_${words.replaceAll(' ', '_')}`;
      const help = `Embedded broker: ${words}.`;
      return name === 'connected' ? gauge(metric, help, value) : counter(`${metric}_total`, help, value);
    })
    .join('');

/** Of the way in: `meterline_ingest_stored_total` and so on. */
const ingestFigures = ({ counters, alarm }: Intake): string =>
  Object.entries(counters)
    .map(([name, value]) => {
      const words = name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
      return counter(`meterline_ingest_${words.replaceAll(' ', '_')}_total`, `Ingest: ${words}.`, value);
    })
    .join('') + gauge('meterline_ingest_alarm', 'Ingest: the store takes nothing.', alarm() === null ? 0 : 1);

export function healthRoutes(api: Api, context: ApiContext): void {
  const Up = z.strictObject({ status: z.literal('ok') });
  api.get(
    '/api/v1/health',
    { config: { access: 'meters:read' }, schema: { response: { 200: Health } } },
    () => currentHealth(context),
  );
  api.get('/healthz', { config: { access: 'open' }, schema: { response: { 200: Up } } }, async () => ({
    status: 'ok' as const,
  }));
  api.get('/readyz', { config: { access: 'open' }, schema: { response: { 200: Up } } }, async (request) => {
    try {
      await context.store.currentPark();
    } catch (error) {
      request.log.error({ err: error }, 'the store does not answer');
      throw new Refused('not_ready', 'the store does not answer');
    }
    const alarm = context.intake.alarm();
    if (alarm !== null)
      throw new Refused('not_ready', `nothing is stored since ${alarm.since}: ${alarm.detail}`);
    return { status: 'ok' as const };
  });
  api.get('/metrics', { config: { access: 'meters:read' } }, async (_, reply) => {
    const broker = context.brokerCounters === null ? '' : brokerFigures(context.brokerCounters());
    return reply
      .type('text/plain; version=0.0.4')
      .send(figures(await currentHealth(context)) + ingestFigures(context.intake) + broker);
  });
}
