/**
 * A meter list into the gateway's configuration, and into a park document where one is named: whole or not at all. What is
 * wrong comes back with the same file, marked.
 */
import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import type { Wording } from '../../protocols/api.ts';
import {
  type CheckedList,
  checkMeterList,
  type HeldMeter,
  tellsSerial,
} from '../../protocols/meter-list/check-list.ts';
import type { ColumnMap, ListField } from '../../protocols/meter-list/columns.ts';
import { type Difference, isEmpty } from '../../protocols/meter-list/difference.ts';
import { parkMeters } from '../../protocols/meter-list/park-rows.ts';
import type { ListProblem } from '../../protocols/meter-list/problem.ts';
import type { ListedMeter } from '../../protocols/meter-list/read-row.ts';
import type { TakenFigure } from '../../protocols/meter-list/row-reader.ts';
import type { Park } from '../../protocols/park.ts';
import type { Profile } from '../../protocols/profile.ts';
import { prepareReplacement, type Replacement } from '../buffer/replace-file.ts';
import { readConfig } from '../config.ts';
import { type AskedProfile, isAsked, linkRefusal, unitRefusal } from '../drivers/asked-profile.ts';
import type { Profiles } from '../profiles.ts';
import { changeEdgeText, type EdgeOutline, outlineOf } from './edge-document.ts';
import { type Language, type ListFile, markList, openList } from './list-file.ts';
import { type FileRefusalCode, ListRefusal } from './list-refusal.ts';
import { changeParkText, readParkText } from './park-document.ts';
import { rememberColumns, rememberedColumns } from './remembered-columns.ts';

export interface ImportOptions {
  /** The list's own name, for the answer's; nothing is read by it. */
  name: string;
  bytes: Uint8Array;
  configFile: string;
  parkFile: string | null;
  profiles: Profiles;
  /** Headings that were not known so far; they are remembered, but for a trial. */
  map: ColumnMap;
  defaults: Readonly<Partial<Record<ListField, string>>>;
  decimalComma: boolean;
  /** Meters of the gateway that are not listed go. */
  remove: boolean;
  dryRun: boolean;
  language: Language;
}

export type ImportRefusalCode = FileRefusalCode | 'list_refused' | 'configuration_refused' | 'park_refused';
export type ImportResult =
  | {
      ok: true;
      /** False for a trial, and where nothing changes. */
      written: boolean;
      meters: number;
      edge: Difference;
      park: Difference | null;
      figures: TakenFigure[];
      /** Columns that went nowhere: no park document was named, or they have no heading; null when there are none. */
      notTaken: { columns: string[]; message: Wording } | null;
    }
  | {
      ok: false;
      code: ImportRefusalCode;
      detail: string;
      problems: ListProblem[];
      /** The same file, marked. */
      answer: { name: string; bytes: Uint8Array } | null;
    };

const refuse = (code: ImportRefusalCode, detail: string): ImportResult => ({
  ok: false,
  code,
  detail,
  problems: [],
  answer: null,
});

/** A bus without meters is what a first list is for; whether it has some afterwards is checked at the end. */
const emptyBus = /: buses\.\d+\.meters: /;

/** @throws Error of the file system; nothing is written then, or all of it */
export function importMeterList(options: ImportOptions): ImportResult {
  const { configFile, parkFile } = options;
  const remembered = rememberedColumns(configFile);
  if (!remembered.ok) return refuse('configuration_refused', remembered.error);
  const map = { ...remembered.map, ...options.map };
  const edgeText = readFileSync(configFile, 'utf8');
  const outline = outlineOf(edgeText);
  if (outline === null)
    return refuse(
      'configuration_refused',
      `${configFile}: no configuration of a gateway: meterline edge --check-config`,
    );
  // What the gateway itself would refuse is no ground for a list to stand on.
  const held = readConfig(configFile, options.profiles);
  const wrong = held.ok ? [] : held.errors.filter((line) => !emptyBus.test(line));
  if (wrong.length > 0) return refuse('configuration_refused', wrong.join('\n'));
  const parkText = parkFile === null ? null : readFileSync(parkFile, 'utf8');
  const read = parkText === null ? null : readParkText(parkText, parkFile ?? '');
  if (read !== null && !read.ok) return refuse('park_refused', read.errors.join('\n'));
  const park = read?.park ?? null;

  let file: ListFile;
  try {
    file = openList(options.bytes, { name: options.name, map });
  } catch (error) {
    if (error instanceof ListRefusal) return refuse(error.code, error.message);
    throw error;
  }
  const checked = checkMeterList(file.table, {
    ...options,
    map,
    gateway: outline.gateway,
    held: outline.meters,
    park,
    buses: outline.buses.map(({ id }) => id),
    addressOf: addressOf(outline),
  });
  if (Object.keys(options.map).length > 0 && !options.dryRun) rememberColumns(configFile, map);
  if (checked.problems.length > 0)
    return refuseList(file, checked.headings?.row ?? 1, checked.problems, options);
  return apply(checked, { ...options, outline, edgeText, park, parkText });
}

function refuseList(
  file: ListFile,
  headingRow: number,
  problems: ListProblem[],
  { name, language }: ImportOptions,
): ImportResult {
  const bytes = markList(file, { headingRow, problems, language });
  return {
    ok: false,
    code: 'list_refused',
    detail: `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}: nothing was imported`,
    problems,
    answer: { name: answerName(name, file.kind), bytes },
  };
}

/** `list.xlsx` comes back as `list.checked.xlsx`, whether or not it had come back before. */
export const answerName = (name: string, kind: ListFile['kind']): string =>
  `${basename(name, extname(name)).replace(/\.checked$/, '')}.checked.${kind}`;

/** By the rules of the gateway's own configuration. */
const addressOf =
  ({ buses }: EdgeOutline) =>
  (profile: Profile, bus: string, text: string) => {
    const link = buses.find(({ id }) => id === bus)?.link ?? 'serial';
    if (!isAsked(profile))
      return {
        ok: false as const,
        detail: { 'zh-CN': `${profile.id} 是主动上报的表`, en: `${profile.id} pushes its readings` },
      };
    const unit = /^\d{1,5}$/.test(text) ? Number(text) : text.toUpperCase();
    const address = modbusRefusal(profile, unit) ?? unitRefusal(profile, unit);
    const detail = address ?? linkRefusal(profile, { kind: link });
    if (detail === null) return { ok: true as const, unit };
    const zh =
      address === null ? '该总线是 Modbus TCP，此表须接串口或透传转换器' : addressRules[profile.protocol];
    return { ok: false as const, detail: { 'zh-CN': zh, en: detail } };
  };

const addressRules: Record<AskedProfile['protocol'], string> = {
  modbus: 'Modbus 表的地址是 1 至 247',
  dlt645: 'DL/T 645 表的地址是表上印的 12 位数字，单元格设为文本',
  cjt188: 'CJ/T 188 表的地址是表上印的 14 位数字，单元格设为文本',
  mbus: 'M-Bus 表的地址是 0 至 250，或 16 位十六进制的二级地址',
  dlms: 'DLMS 表的地址是物理设备号，TCP 上是逻辑设备号，从 1 起',
};

/** On a bus that is polled 0 calls all meters, and those above 247 are reserved. */
const modbusRefusal = ({ protocol }: Profile, unit: number | string): string | null =>
  protocol === 'modbus' && !(typeof unit === 'number' && unit >= 1 && unit <= 247)
    ? 'a Modbus meter has a unit id, 1 to 247'
    : null;

interface Before extends ImportOptions {
  outline: EdgeOutline;
  edgeText: string;
  park: Park | null;
  parkText: string | null;
}

function apply({ rows, figures, notTaken, untitled }: CheckedList, before: Before): ImportResult {
  const { profiles, outline, remove, park, parkText, configFile, parkFile } = before;
  const { gateway } = outline;
  const edge = changeEdgeText(before.edgeText, {
    listed: rows.map((row) => heldAs(row, before)),
    remove,
    isNode: (profile) => profiles.get(profile)?.protocol === 'sparkplug',
  });
  const changedPark =
    park === null || parkText === null
      ? null
      : changeParkText(parkText, park, {
          listed: parkMeters(rows, { park, gateway, profiles }),
          gateway,
          remove,
          json: parkFile?.endsWith('.json') ?? false,
        });
  const replacements: Replacement[] = [];
  const stage = (path: string, text: string): Replacement => {
    const one = prepareReplacement(path, text);
    replacements.push(one);
    return one;
  };
  const giveUp = (code: ImportRefusalCode, errors: readonly string[]): ImportResult => {
    for (const one of replacements) one.discard();
    return refuse(code, errors.join('\n'));
  };
  const file = isEmpty(edge.difference) ? configFile : stage(configFile, edge.text).file;
  const checked = readConfig(file, profiles);
  if (!checked.ok)
    return giveUp(
      'configuration_refused',
      checked.errors.map((line) => line.replaceAll(file, configFile)),
    );
  if (changedPark !== null && parkFile !== null && !isEmpty(changedPark.difference)) {
    const checked = readParkText(changedPark.text, parkFile);
    const errors = checked.ok ? danglingMeters(checked.park) : checked.errors;
    if (errors.length > 0) return giveUp('park_refused', errors);
    stage(parkFile, changedPark.text);
  }
  const written = replacements.length > 0 && !before.dryRun;
  for (const one of replacements) {
    if (written) one.commit();
    else one.discard();
  }
  return {
    ok: true,
    written,
    meters: rows.length,
    edge: edge.difference,
    park: changedPark?.difference ?? null,
    figures,
    notTaken: wentNowhere(notTaken, untitled),
  };
}

/** What the gateway takes of a row. A serial number that the park document has already is no news: an export has it too. */
function heldAs(
  { meter, profile, place, facts: { serial } }: ListedMeter,
  { park, profiles }: Before,
): HeldMeter {
  const isKnown = park?.meters.some((one) => one.id === meter && one.serial === serial);
  const isTaken = serial !== undefined && !isKnown && tellsSerial(profiles.get(profile));
  return { meter, profile, place, ...(isTaken ? { serial } : {}) };
}

function wentNowhere(
  notTaken: readonly string[],
  untitled: readonly string[],
): { columns: string[]; message: Wording } | null {
  const messages = [
    ...(notTaken.length === 0 ? [] : [notTakenMessage(notTaken)]),
    ...(untitled.length === 0 ? [] : [untitledMessage(untitled)]),
  ];
  if (messages.length === 0) return null;
  return {
    columns: [...notTaken, ...untitled],
    message: {
      'zh-CN': messages.map((message) => message['zh-CN']).join('；'),
      en: messages.map(({ en }) => en).join('; '),
    },
  };
}

const untitledMessage = (columns: readonly string[]): Wording => ({
  'zh-CN': `${columns.join('、')} 列没有列名，其内容没有写入任何地方：写上列名，或删除这些单元格`,
  en: `column ${columns.join(', ')} has no heading, and what stands there went nowhere: give it one, or delete its cells`,
});

/** A multiplier that goes nowhere is money. */
const notTakenMessage = (columns: readonly string[]): Wording => ({
  'zh-CN': `以下列没有写入任何地方：${columns.join('、')}。它们属于园区文件：加 --park park.yaml 再导入一次`,
  en: `these columns went nowhere: ${columns.join(', ')}. They belong into the park document: import again with --park park.yaml`,
});

/** Rows of the document that name a meter which has gone. */
function danglingMeters({ meters, exchanges, sourceBills }: Park): string[] {
  const known = new Set(meters.map(({ id }) => id));
  return [
    ...meters.flatMap(({ id, parent }) =>
      parent === null || known.has(parent) ? [] : [`meters.${id}: parent "${parent}" would be gone`],
    ),
    ...exchanges.flatMap(({ meter }) =>
      known.has(meter) ? [] : [`exchanges: meter "${meter}" would be gone`],
    ),
    ...sourceBills.flatMap(({ id, meter }) =>
      known.has(meter) ? [] : [`sourceBills.${id}: meter "${meter}" would be gone`],
    ),
  ];
}
