/** The gateway's meters as a list, with what the park document says of them: importing it again changes nothing. */

import type { HeldMeter } from '../../protocols/meter-list/check-list.ts';
import { type ListField, listFields } from '../../protocols/meter-list/columns.ts';
import type { Park, ParkMeter } from '../../protocols/park.ts';
import { writeCsv } from './csv.ts';
import type { Language } from './list-file.ts';
import { type NewCell, writeWorkbook } from './write-workbook.ts';

type Row = Partial<Record<ListField, string>>;

const gatewayFields: ListField[] = ['meter', 'profile', 'bus', 'unit'];
const pushFields: ListField[] = ['topic', 'device'];
const parkFields: ListField[] = [
  'name',
  'serial',
  'utility',
  'register',
  'multiplier',
  'digits',
  'parent',
  'building',
  'floor',
  'room',
  'serves',
  'served',
  'maxPerHour',
  'accuracyPercent',
];
/** Figures; all else is text, and an address that begins with a zero as well. */
const figures = new Set<ListField>(['multiplier', 'digits', 'maxPerHour', 'accuracyPercent']);

/** Words of closed lists in the headings' language; the import reads both. */
const words: Record<string, string> = {
  electricity: '电',
  water: '水',
  branch: '总表',
  unit: '分户',
  pool: '公摊',
  landlord: '自用',
};

export interface ExportOptions {
  meters: readonly HeldMeter[];
  park: Park | null;
  format: 'xlsx' | 'csv';
  language: Language;
}

/** @returns the bytes of the file */
export function exportMeterList({ meters, park, format, language }: ExportOptions): Uint8Array {
  const known = new Map(park?.meters.map((meter) => [meter.id, meter]));
  const rows = meters.map((held) => rowOf(held, known.get(held.meter), language));
  const hasPush = meters.some(({ place }) => 'topic' in place);
  const hasSerial = meters.some(({ serial }) => serial !== undefined);
  const fields = [
    ...gatewayFields,
    ...(hasPush ? pushFields : []),
    ...(park !== null ? parkFields : hasSerial ? (['serial'] as const) : []),
  ];
  const headings = fields.map((field) => listFields[field][language === 'en' ? 'en' : 'zh']);
  if (format === 'csv')
    return writeCsv([headings, ...rows.map((row) => fields.map((field) => row[field] ?? ''))]);
  const cells = rows.map((row) => fields.map((field) => cellOf(field, row[field] ?? '')));
  return writeWorkbook(language === 'en' ? 'Meters' : '表计', headings, cells);
}

const cellOf = (field: ListField, text: string): NewCell =>
  figures.has(field) || (field === 'unit' && /^[1-9]\d{0,4}$/.test(text)) ? { text, number: true } : { text };

function rowOf(
  { meter, profile, place, serial = '' }: HeldMeter,
  facts: ParkMeter | undefined,
  language: Language,
): Row {
  const row: Row = { meter, profile, ...placeColumns(place), serial };
  if (facts === undefined) return row;
  const word = (text: string): string => (language === 'en' ? text : (words[text] ?? text));
  const { serves } = facts;
  return {
    ...row,
    name: facts.name,
    serial: facts.serial,
    utility: word(facts.utility),
    register: facts.register,
    multiplier: facts.multiplier,
    digits: `${facts.digits}`,
    parent: facts.parent ?? '',
    building: facts.building ?? '',
    floor: facts.floor ?? '',
    room: facts.room ?? '',
    serves: word(serves.kind),
    served: serves.kind === 'unit' ? serves.unit : serves.kind === 'pool' ? serves.pool : '',
    maxPerHour: facts.maxPerHour,
    accuracyPercent: facts.accuracyPercent,
  };
}

const placeColumns = (place: HeldMeter['place']): Row =>
  'topic' in place
    ? { topic: place.topic, device: place.device ?? '' }
    : { bus: place.bus, unit: `${place.unit}` };
