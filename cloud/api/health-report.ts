/** The park's health in one sentence, from what is known of meters, gateways and anomalies. */
import type { Freshness, GatewayAlarm, Health } from '../../protocols/api.ts';
import type { Park } from '../../protocols/park.ts';
import type { BusStatus } from '../../protocols/uplink.ts';
import type { StoredGatewayStatus } from '../store/port/gateways.ts';
import type { ReadingRow } from '../store/port/readings.ts';
import { gatewayAlarms } from './gateway-alarms.ts';
import { freshnessOf, lastByMeter } from './meter-summaries.ts';
import { instantText } from './query.ts';

export interface HealthInput {
  park: Park;
  nowMs: number;
  intervalMinutes: number;
  lastReadings: ReadingRow[];
  gateways: StoredGatewayStatus[];
  /** Milliseconds since a gateway was heard. */
  silentMs: (gateway: string) => number;
  openAnomalies: number;
  quarantined: number;
}
interface Overdue {
  meter: string;
  freshness: Freshness;
  /** Null: it never gave a reading. */
  ageMs: number | null;
}
type Sentence = Health['sentence'];

/** So many overdue meters are named. Of more, the one that is longest overdue, and the others are counted. */
const named = 3;

function ageText(ageMs: number): Sentence {
  const minutes = Math.floor(ageMs / 60_000);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60)];
  if (days > 0)
    return hours === 0
      ? { 'zh-CN': `${days} 天`, en: `${days} d` }
      : { 'zh-CN': `${days} 天 ${hours} 小时`, en: `${days} d ${hours} h` };
  if (hours > 0) return { 'zh-CN': `${hours} 小时`, en: `${hours} h` };
  return { 'zh-CN': `${minutes} 分钟`, en: `${minutes} min` };
}

function overdueText(overdue: Overdue[]): Sentence {
  const shown = overdue.length > named ? 1 : overdue.length;
  const rest = overdue.length - shown;
  const each = overdue.slice(0, shown).map(({ meter, ageMs }): Sentence => {
    if (ageMs === null) return { 'zh-CN': `${meter} 从无读数`, en: `${meter} never gave a reading` };
    const age = ageText(ageMs);
    return { 'zh-CN': `${meter} 已 ${age['zh-CN']}无读数`, en: `${meter} silent for ${age.en}` };
  });
  const zh = each.map((one) => one['zh-CN']).join('、') + (rest > 0 ? `，另有 ${rest} 块` : '');
  const en = each.map((one) => one.en).join(', ') + (rest > 0 ? `, and ${rest} more` : '');
  return { 'zh-CN': zh, en };
}

const alarmTexts: Record<GatewayAlarm, Sentence> = {
  offline: { 'zh-CN': '离线', en: 'is offline' },
  silent: { 'zh-CN': '无状态上报', en: 'tells nothing' },
  key_changed: { 'zh-CN': '签名密钥已变', en: 'signs with another key' },
  clock_off: { 'zh-CN': '时钟偏差', en: 'has a wrong clock' },
  backlog: { 'zh-CN': '积压超过一小时', en: 'is behind by more than an hour' },
};

type Alarmed = { gateway: string; alarms: readonly GatewayAlarm[] };

function sentenceOf(
  meters: number,
  overdue: Overdue[],
  gateways: readonly Alarmed[],
  anomalies: number,
): Sentence {
  const zh: string[] = [];
  const en: string[] = [];
  if (overdue.length === 0) {
    zh.push(`全部 ${meters} 块表读数正常`);
    en.push(`All ${meters} meters are fresh`);
  } else {
    const text = overdueText(overdue);
    zh.push(`${meters} 块表中 ${meters - overdue.length} 块读数正常`, text['zh-CN']);
    en.push(`${meters - overdue.length} of ${meters} meters are fresh`, text.en);
  }
  for (const [alarm, text] of Object.entries(alarmTexts)) {
    const ids = gateways
      .filter(({ alarms }) => alarms.some((one) => one === alarm))
      .map(({ gateway }) => gateway);
    if (ids.length === 0) continue;
    zh.push(`网关 ${ids.join('、')} ${text['zh-CN']}`);
    en.push(`gateway ${ids.join(', ')} ${text.en}`);
  }
  if (anomalies > 0) {
    zh.push(`${anomalies} 条异常未结束`);
    en.push(anomalies === 1 ? '1 open anomaly' : `${anomalies} open anomalies`);
  }
  return { 'zh-CN': `${zh.join('；')}。`, en: `${en.join('; ')}.` };
}

/** A status that was stored by an earlier version tells neither. */
const busHealth = ({
  bus,
  requests,
  failures,
  cycle = null,
  states = [],
}: BusStatus): Health['gateways'][number]['buses'][number] => ({
  bus,
  utilisation: cycle?.utilisation ?? null,
  failureRate: requests === 0 ? null : failures / requests,
  wrongMeters: states.filter(({ wrongMeter }) => wrongMeter !== undefined).map(({ meter }) => meter),
});

export function healthReport(input: HealthInput): Health {
  const { park, nowMs, intervalMinutes, openAnomalies, quarantined } = input;
  const gateways = input.gateways.map((status) => ({
    ...status,
    alarms: gatewayAlarms(status, input.silentMs(status.gateway)),
  }));
  const last = lastByMeter(park, input.lastReadings);
  const overdue = park.meters
    .map(({ id }): Overdue => {
      const lastMs = last.get(id)?.atMs ?? null;
      return {
        meter: id,
        freshness: freshnessOf(lastMs, nowMs, intervalMinutes),
        ageMs: lastMs === null ? null : nowMs - lastMs,
      };
    })
    .filter(({ freshness }) => freshness !== 'fresh')
    .sort((a, b) => (b.ageMs ?? Number.POSITIVE_INFINITY) - (a.ageMs ?? Number.POSITIVE_INFINITY));
  return {
    park: park.id,
    parkName: park.name,
    timeZone: park.timeZone,
    at: instantText(nowMs),
    sentence: sentenceOf(park.meters.length, overdue, gateways, openAnomalies),
    meters: park.meters.length,
    fresh: park.meters.length - overdue.length,
    silent: overdue.map(({ meter }) => meter),
    gateways: gateways.map((status) => ({
      gateway: status.gateway,
      online: status.online,
      alarms: status.alarms,
      at: status.at,
      version: status.version,
      configVersion: status.configVersion ?? null,
      keyId: status.keyId ?? null,
      pinnedKeyId: status.pinnedKeyId ?? null,
      bufferedRows: status.bufferedRows,
      oldestBufferedAt: status.oldestBufferedAt,
      lastReceiptAt: status.lastReceiptAt,
      cloudOffset: status.cloudOffset ?? null,
      buses: status.buses.map(busHealth),
      clockOffsets: status.clockOffsets ?? [],
    })),
    openAnomalies,
    quarantined,
  };
}
