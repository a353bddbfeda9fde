/**
 * A JSON push -> exact values, as the profile maps it: one record of one meter, a list of records with their own stamps,
 * or a collector's payload about several meters.
 */
import type { MqttProfile } from '../profile.ts';
import type { MappedPush, PushedValue, PushFault, PushRefusal } from '../pushed-value.ts';
import { exactDecimal } from './exact-number.ts';
import { isRecord, NumberText, parsePayload, shown, valueAt } from './payload-json.ts';
import { readTimestamp } from './push-time.ts';

/** The profiles behind one topic, by the meter's name in the payload; '' when the topic alone says which meter it is. */
export type PushDevices = ReadonlyMap<string, MqttProfile>;

const MOST_RECORDS = 10_000;

/** A record with its place in a batch, for whoever looks for what is wrong. */
interface Place {
  record: object;
  document: unknown;
  label: string;
}

/**
 * Maps one payload. A value is a JSON number, or a string that holds a plain decimal; JSON null is the meter's own
 * "no value". A payload that cannot be read gives nothing; of one that can, each good value is taken, and each bad one
 * refused by its path.
 * @param devices the profiles share one shape: `recordsPath` and `meterPath`
 */
export function mapPush(devices: PushDevices, payload: Uint8Array): MappedPush {
  const mapped: MappedPush = { records: [], refused: [] };
  const parsed = parsePayload(payload);
  if (!parsed.ok) return { records: [], refused: [parsed.fault] };
  const [shape] = devices.values();
  const places = findRecords(parsed.document, shape?.recordsPath);
  if (!Array.isArray(places)) return { records: [], refused: [places] };
  for (const [index, found] of places.entries()) {
    const label = shape?.recordsPath === undefined ? '' : `record ${index}: `;
    if (isRecord(found)) mapRecord(devices, { record: found, document: parsed.document, label }, mapped);
    else mapped.refused.push({ code: 'not_an_object', detail: `${label}${shown(found)}` });
  }
  return mapped;
}

function findRecords(document: unknown, path: string | undefined): unknown[] | PushFault {
  if (path === undefined) return [document];
  const list = valueAt(document, path);
  if (!Array.isArray(list)) return { code: 'missing_records', detail: path === '' ? shown(document) : path };
  if (list.length === 0) return { code: 'no_records', detail: path };
  if (list.length > MOST_RECORDS) return { code: 'too_many_records', detail: `${list.length}` };
  return list;
}

/** A path that begins with a slash starts at the payload, any other one at the record. */
const find = ({ record, document }: Place, path: string): unknown =>
  path.startsWith('/') ? valueAt(document, path.slice(1)) : valueAt(record, path);

function mapRecord(devices: PushDevices, place: Place, mapped: MappedPush): void {
  const [shape] = devices.values();
  const device = deviceOf(place, shape?.meterPath);
  if (typeof device !== 'string') {
    mapped.refused.push(device);
    return;
  }
  const profile = devices.get(device);
  const refuse = (code: PushRefusal, detail: string): void => {
    mapped.refused.push({ code, detail: `${place.label}${detail}`, device });
  };
  if (profile === undefined) {
    refuse('unknown_meter', device.slice(0, 64));
    return;
  }
  const at = readTimestamp(find(place, profile.timestampPath), profile, profile.timestampPath);
  if (typeof at !== 'number') {
    refuse(at.code, at.detail);
    return;
  }
  const values: PushedValue[] = [];
  for (const { obis, path, scale, unit } of profile.registers) {
    const found = find(place, path);
    if (found === undefined) {
      refuse('missing_value', path);
    } else if (found === null) {
      values.push({ obis, value: null, code: 'not_available', unit, readAtMs: at });
    } else {
      const exact = exactDecimal(found, scale);
      if (exact.ok) values.push({ obis, value: exact.value, unit, readAtMs: at });
      else refuse(exact.code, `${path}: ${shown(found)}`);
    }
  }
  if (values.length > 0) mapped.records.push({ device, values });
}

function deviceOf(place: Place, path: string | undefined): string | PushFault {
  if (path === undefined) return '';
  const found = find(place, path);
  if (typeof found === 'string' && found !== '') return found;
  if (found instanceof NumberText) return found.source;
  return { code: 'missing_meter', detail: `${place.label}${path}` };
}
