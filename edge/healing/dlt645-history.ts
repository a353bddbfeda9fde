/** Reads what a meter of DL/T 645 keeps: load records, midnights, settlement days. */
import { bcdBytes, decodeBcd } from '../../protocols/bcd.ts';
import {
  type Dlt645History,
  decodeDaily,
  frozenItem,
  parseSettlementDay,
  settlements,
} from '../../protocols/dlt645/frozen-history.ts';
import { loadRecordQuery, parseLoadRecords } from '../../protocols/dlt645/load-record.ts';
import type { Dlt645Profile } from '../../protocols/profile.ts';
import { type Dlt645Dialogue, dlt645Dialogue } from '../drivers/dlt645-dialogue.ts';
import { FrozenSearch, type HistoryOptions, type ReadHistory } from './frozen-search.ts';
import { localTime } from './site-time.ts';

/** Six records of the shortest class fill a frame. */
const RECORDS_AT_ONCE = 6;
/** 62 days of records at an hour's distance, or 15 of a quarter's. */
const MOST_LOAD_REQUESTS = 250;

export function dlt645History(profile: Dlt645Profile, history: Dlt645History, address: string): ReadHistory {
  return async (line, options) => {
    const search = new FrozenSearch(profile.registers, options);
    const dialogue = dlt645Dialogue({ version: profile.version, address, line, options, read: search.read });
    const series = [
      () => history.load && readLoad(history.load, dialogue, search, options),
      () => history.daily && readDaily(history.daily, dialogue, search),
      () => history.settlement && readSettlements(history.settlement, dialogue, search),
    ];
    for (const one of series) {
      if (search.read.fault !== null) break;
      await one();
      search.endSeries();
    }
    return search.read;
  };
}

/** From the first record after the gap's beginning on, until its end or the last record. */
async function readLoad(
  { di, blockBytes, registers }: NonNullable<Dlt645History['load']>,
  dialogue: Dlt645Dialogue,
  search: FrozenSearch,
  { fromMs, timeZone }: HistoryOptions,
): Promise<void> {
  if (!registers.some(({ obis }) => search.wants(obis))) return;
  let from = localTime(fromMs, timeZone).round({ smallestUnit: 'minute', roundingMode: 'ceil' });
  for (let request = 0; request < MOST_LOAD_REQUESTS; request++) {
    const data = await dialogue(di, loadRecordQuery(from, RECORDS_AT_ONCE));
    if (data === null) return;
    const parsed = parseLoadRecords(data, blockBytes);
    if (!parsed.ok) return search.note(`load records from ${from}: ${parsed.code}`);
    let last = from.subtract({ minutes: 1 });
    for (const { at, block, raw } of parsed.records) {
      if (Temporal.PlainDateTime.compare(at, last) <= 0)
        return search.note(`load records from ${from}: one is of ${at}`);
      last = at;
      const values = registers.map((register) => ({
        obis: register.obis,
        decoded: decodeBcd(register, block.subarray(register.at, register.at + bcdBytes(register))),
        raw,
      }));
      search.take({ at, values });
      if (search.place(at) === 'after') return;
    }
    if (parsed.records.length === 0) return;
    from = last.add({ minutes: 1 });
  }
  search.note(`load records: given up at ${from}`);
}

async function readDaily(
  { time, count, registers }: NonNullable<Dlt645History['daily']>,
  dialogue: Dlt645Dialogue,
  search: FrozenSearch,
): Promise<void> {
  const wanted = registers.filter(({ obis }) => search.wants(obis));
  if (wanted.length === 0) return;
  for (let back = 1; back <= count; back++) {
    const stamp = await dialogue(frozenItem(time, back));
    if (stamp === null) return;
    for (const register of wanted) {
      const data = await dialogue(frozenItem(register.di, back));
      const record = data && decodeDaily(register, stamp, data);
      if (record === null) return;
      if (back === 1 && !search.isCurrent(record.at, 'day'))
        return search.note(`day 1 is of ${record.at}: not taken`);
      if (search.place(record.at) === 'before') return;
      search.take(record);
    }
  }
}

/** Copies tell no time: it follows from the settlement days that are set now. */
async function readSettlements(
  { days, count, registers }: NonNullable<Dlt645History['settlement']>,
  dialogue: Dlt645Dialogue,
  search: FrozenSearch,
): Promise<void> {
  const wanted = registers.filter(({ obis }) => search.wants(obis));
  if (wanted.length === 0) return;
  const set = [];
  for (const item of days) {
    const data = await dialogue(item);
    const day = data && parseSettlementDay(data);
    if (day !== null) set.push(day);
  }
  const instants = settlements(set, search.meterNow(), count);
  for (const [index, at] of instants.entries()) {
    if (search.place(at) !== 'inside') continue;
    for (const register of wanted) {
      const data = await dialogue(frozenItem(register.di, index + 1));
      if (data === null) return;
      if (data.length !== bcdBytes(register)) continue;
      search.take({ at, values: [{ obis: register.obis, decoded: decodeBcd(register, data), raw: data }] });
    }
  }
}
