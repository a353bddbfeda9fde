/** One row of a meter list -> one meter: where it is reached, and what the list states of it. */

import type { Wording } from '../api.ts';
import { Obis } from '../obis.ts';
import type { ParkMeter } from '../park.ts';
import type { Profile } from '../profile.ts';
import { multiply, narrow, readNumber, readRatio } from './number-text.ts';
import { isScientific, type RowReader } from './row-reader.ts';

/**
 * Where a gateway reaches a meter: on a bus; or under the topic that it publishes to (of Sparkplug the node), where there
 * are several with the device's name.
 */
export type MeterPlace = { bus: string; unit: number | string } | { topic: string; device: string | null };

/** `served` is still the name of a unit or pool, or its id; `kind` null where the list leaves it open. */
export interface StatedService {
  kind: ParkMeter['serves']['kind'] | null;
  served: string | null;
}

/** What the list states for the park document. A key that is absent leaves what the document has. */
export type StatedFacts = Partial<
  Pick<
    ParkMeter,
    | 'name'
    | 'serial'
    | 'utility'
    | 'register'
    | 'parent'
    | 'building'
    | 'floor'
    | 'room'
    | 'multiplier'
    | 'digits'
    | 'maxPerHour'
    | 'accuracyPercent'
  >
>;

export interface ListedMeter {
  /** The file's number of its row. */
  row: number;
  meter: string;
  profile: string;
  place: MeterPlace;
  facts: StatedFacts;
  service: StatedService;
}
/** A row in which what cannot be is null: the rest of it is held against the other rows all the same. */
export type ListedRow = {
  [K in keyof ListedMeter]: ListedMeter[K] | (K extends 'meter' | 'profile' | 'place' ? null : never);
};

export const isComplete = (row: ListedRow): row is ListedMeter =>
  row.meter !== null && row.profile !== null && row.place !== null;

/** What the gateway knows that the list has to fit. */
export interface GatewayContext {
  profiles: ReadonlyMap<string, Profile>;
  buses: readonly string[];
  /** The address as the gateway holds it, or why a meter of the model cannot have it on that bus. */
  addressOf(
    profile: Profile,
    bus: string,
    text: string,
  ): { ok: true; unit: number | string } | { ok: false; detail: Wording };
}

const utilities = { electricity: '电 电表 用电 电能 electric power', water: '水 水表 用水 冷水 自来水' };
const services = {
  branch: '总表 总 分总表 进线 main',
  unit: '分户 户表 租户 单元 tenant',
  pool: '公摊 公共 公用 shared',
  landlord: '自用 物业 物业自用 业主 owner',
};
const yesNo = { yes: '是 y true 1 √ 公摊 对', no: '否 n false 0 × 不 非公摊' };

/** What is wrong is noted in the reader. */
export function readRow(reader: RowReader, context: GatewayContext): ListedRow {
  const meter = reader.require('meter', reader.id('meter'));
  const profile = readProfile(reader, context.profiles);
  const place = readPlace(reader, profile, context);
  const facts = readFacts(reader);
  return {
    row: reader.row.number,
    meter,
    profile: profile?.id ?? null,
    place,
    facts,
    service: readService(reader),
  };
}

/** By its id, by make and model, or by the model alone where one maker has it. */
function readProfile(reader: RowReader, profiles: GatewayContext['profiles']): Profile | null {
  const text = reader.require('profile', reader.text('profile', 80));
  if (text === null) return null;
  const plain = (words: string): string =>
    words
      .normalize('NFKC')
      .toLowerCase()
      .replace(/[\s_-]/g, '');
  const wanted = plain(text);
  const exact = profiles.get(text);
  if (exact !== undefined) return exact;
  const all = [...profiles.values()];
  const fitting = all.filter(
    ({ id, make, model }) =>
      plain(id) === wanted || plain(`${make}${model}`) === wanted || plain(model) === wanted,
  );
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  if (only !== undefined)
    return reader.refuse('ambiguous_profile', 'profile', fitting.map(({ id }) => id).join(', '));
  const near = all.filter(({ id }) => plain(id).includes(wanted) || wanted.includes(plain(id)));
  const hint = near.length === 0 ? 'meterline profiles' : near.map(({ id }) => id).join(', ');
  return reader.refuse('unknown_profile', 'profile', `"${text}" (${hint})`);
}

function readPlace(reader: RowReader, profile: Profile | null, context: GatewayContext): MeterPlace | null {
  if (profile?.protocol === 'mqtt' || profile?.protocol === 'sparkplug') {
    const topic = reader.text('topic', 257);
    if (topic !== null) return { topic, device: reader.text('device', 128) };
    return reader.cell('topic') === null ? reader.refuse('no_place', 'topic') : null;
  }
  const typed = reader.text('bus');
  const bus = typed === null ? null : narrow(typed);
  const known = bus !== null && context.buses.includes(bus);
  if (bus !== null && !known) reader.refuse('unknown_bus', 'bus', bus);
  if (profile === null) return null;
  const address = reader.cell('unit');
  if (bus === null) reader.refuse('no_place', 'bus');
  if (address === null) reader.refuse('no_place', 'unit');
  if (bus === null || address === null || !known) return null;
  // Fifteen digits are all that a number cell keeps.
  const lost = address.kind === 'number' && address.text.length > 15;
  if (lost || isScientific(address.text)) return reader.refuse('became_a_number', 'unit', address.text);
  const held = context.addressOf(profile, bus, narrow(address.text));
  return held.ok ? { bus, unit: held.unit } : reader.refuse('bad_address', 'unit', held.detail);
}

function readFacts(reader: RowReader): StatedFacts {
  const facts: StatedFacts = {};
  const state = <K extends keyof StatedFacts>(field: K, value: StatedFacts[K] | null): void => {
    if (value !== null && value !== undefined) facts[field] = value;
  };
  state('name', reader.text('name', 120));
  state('serial', reader.plate('serial'));
  state('utility', reader.word('utility', utilities));
  state('register', readObis(reader));
  state('multiplier', readMultiplier(reader));
  state('digits', readDigits(reader));
  state('maxPerHour', above0(reader, 'maxPerHour'));
  state('accuracyPercent', readAccuracy(reader));
  // These may be empty: a column that is there and says nothing says "none".
  if (reader.states('parent')) facts.parent = reader.id('parent');
  if (reader.states('building')) facts.building = reader.text('building', 120);
  if (reader.states('floor')) facts.floor = reader.text('floor', 16);
  if (reader.states('room')) facts.room = reader.text('room', 40);
  return facts;
}

function readObis(reader: RowReader): string | null {
  const text = reader.text('register');
  if (text === null || Obis.safeParse(text).success) return text;
  return reader.refuse('unknown_word', 'register', 'OBIS, 1-0:1.8.0');
}

/** As a figure, or as the ratios of the transformers; where both are given they have to agree. */
function readMultiplier(reader: RowReader): string | null {
  const isRatio = /[/:]/.test(reader.text('multiplier') ?? '');
  const stated = isRatio ? readTransformer(reader, 'multiplier') : above0(reader, 'multiplier');
  const [pt, ct] = [readTransformer(reader, 'pt'), readTransformer(reader, 'ct')];
  if (pt === null && ct === null) return stated;
  const product = multiply(pt ?? '1', ct ?? '1');
  if (product === null)
    return reader.refuse('out_of_range', ct === null ? 'pt' : 'ct', 'PT x CT, 6 decimals');
  if (stated !== null && stated !== product)
    return reader.refuse('multiplier_differs', 'multiplier', product);
  return product;
}

function readTransformer(reader: RowReader, field: 'pt' | 'ct' | 'multiplier'): string | null {
  const text = reader.text(field);
  if (text === null || text === '-' || text === '/') return null;
  const ratio = readRatio(text);
  if (ratio !== null) return reader.took(field, text, ratio);
  const read = readNumber(text, false);
  return reader.refuse(read.ok ? 'not_a_number' : read.code, field, text);
}

function above0(reader: RowReader, field: 'multiplier' | 'maxPerHour'): string | null {
  const value = reader.decimal(field);
  return value === '0' ? reader.refuse('out_of_range', field, '> 0') : value;
}

function readDigits(reader: RowReader): number | null {
  const text = reader.decimal('digits');
  if (text === null) return null;
  const digits = /^([3-9]|1[0-2])$/.test(text) ? Number.parseInt(text, 10) : null;
  return digits ?? reader.refuse('out_of_range', 'digits', '3 - 12');
}

/** In percent; class letters of active energy (EN 50470: A, B, C) stand for 2, 1 and 0.5. */
function readAccuracy(reader: RowReader): string | null {
  const text = reader.text('accuracyPercent');
  if (text === null) return null;
  const letter = { A: '2', B: '1', C: '0.5' }[text.toUpperCase()];
  if (letter !== undefined) return letter;
  const read = readNumber(text.replace(/[级%sS]/g, ''), true);
  if (read.ok && Number.parseInt(read.decimal, 10) <= 100) return read.decimal;
  return reader.refuse('out_of_range', 'accuracyPercent', '0 - 100 %');
}

function readService(reader: RowReader): StatedService {
  const served = reader.text('served', 120);
  const kind = reader.word('serves', services);
  const shared = reader.word('public', yesNo);
  if (kind !== null && shared === 'yes' && kind !== 'pool') {
    reader.refuse('unknown_word', 'public', '否 (no)');
    return { kind, served };
  }
  return { kind: kind ?? (shared === 'yes' ? 'pool' : null), served };
}
