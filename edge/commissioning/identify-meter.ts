/** Who answers at a unit address, and which of the known models it is: told by what its registers hold. */
import type { ModbusProfile } from '../../protocols/profile.ts';
import { micro } from '../../protocols/units.ts';
import type { RegisterValue } from '../drivers/meter-driver.ts';
import { MeterReader, type ReadOptions } from '../drivers/meter-reader.ts';
import { CONVERTER_COST } from '../drivers/plan-requests.ts';
import { RememberedUnit } from '../drivers/remembered-unit.ts';
import { type Line, LineFault } from '../line/line.ts';

export interface IdentifiedMeter {
  /** The model that fits best; null when it answers but none fits. */
  profile: ModbusProfile | null;
  values: RegisterValue[];
  /** Models that fit as well, or that no scan tells from the best. */
  equals: ModbusProfile[];
}

/** "No path to the target" and "target did not respond": a converter's way to say that nobody is there. */
const NOBODY = new Set([10, 11]);

interface Candidate {
  profile: ModbusProfile;
  values: RegisterValue[];
  fit: Fit;
}

/**
 * @param pauses whether to give the meter the rests that a model needs
 * @returns null when nobody answers there
 * @throws LineFault `unreachable` when the line itself cannot be opened
 */
export async function identifyMeter(
  line: Pick<Line, 'read'>,
  unit: number,
  models: readonly ModbusProfile[],
  { nowMs, pauses = true }: { nowMs: () => number; pauses?: boolean },
): Promise<IdentifiedMeter | null> {
  const remembered = new RememberedUnit(line);
  if (!(await isPresent(remembered, unit))) return null;
  const options: ReadOptions = { unit, nowMs, attempts: 1, pauses };
  const candidates: Candidate[] = [];
  for (const profile of models) {
    const candidate = await tryModel(remembered, profile, options);
    if (candidate !== null) candidates.push(candidate);
  }
  return best(candidates);
}

/** Any answer counts, an exception as well. Some models answer only one of the two functions. */
async function isPresent(meter: Pick<Line, 'read'>, unit: number): Promise<boolean> {
  for (const functionCode of [3, 4] as const) {
    try {
      const answer = await meter.read({ unit, functionCode, address: 0, count: 1 });
      if (answer.ok || !NOBODY.has(answer.exception)) return true;
    } catch (error) {
      if (!(error instanceof LineFault) || error.code === 'unreachable') throw error;
    }
  }
  return false;
}

async function tryModel(
  meter: Pick<Line, 'read'>,
  profile: ModbusProfile,
  options: ReadOptions,
): Promise<Candidate | null> {
  // First what may rule it out: most models are, and their other registers are then never asked for.
  const billing = profile.registers.filter((register) => register.billing);
  const billed = await readAll(meter, profile, billing, options);
  if (billed.length < billing.length || billed.some(({ value }) => value === null)) return null;
  const telling = profile.registers.filter(({ obis }) => plausibleRange(profile, obis) !== null);
  if (isRuledOut(profile, await readAll(meter, profile, telling, options))) return null;
  const common = profile.registers.filter(({ optional }) => !optional);
  const values = await readAll(meter, profile, common, options);
  // Who lacks what all of the model have will lack the rest too, at the price of many refusals.
  const others = common.length > values.length ? [] : profile.registers.filter(({ optional }) => optional);
  if (others.length > 0) values.push(...(await readAll(meter, profile, others, options)));
  const fit = fitOf(profile, values);
  if (fit === null || (await holdsForeign(meter, profile, options))) return null;
  return { profile, values, fit };
}

async function readAll(
  meter: Pick<Line, 'read'>,
  profile: ModbusProfile,
  registers: ModbusProfile['registers'],
  options: ReadOptions,
): Promise<RegisterValue[]> {
  const read = await new MeterReader(profile, registers, CONVERTER_COST).read(meter, options);
  if (read.fault?.code === 'unreachable') throw read.fault;
  return read.values;
}

/** Whether it holds something where this model holds nothing. Some firmwares answer zeros there and do not refuse. */
async function holdsForeign(
  meter: Pick<Line, 'read'>,
  { functionCode, fingerprint, pauseMilliseconds }: ModbusProfile,
  { unit, pauses }: ReadOptions,
): Promise<boolean> {
  for (const address of fingerprint.refused) {
    try {
      const request = { unit, functionCode, address, count: 2 };
      const answer = await meter.read(request, pauses ? { pauseMilliseconds } : {});
      if (answer.ok && answer.data.some((byte) => byte !== 0)) return true;
    } catch (error) {
      if (!(error instanceof LineFault) || error.code === 'unreachable') throw error;
    }
  }
  return false;
}

function best(candidates: readonly Candidate[]): IdentifiedMeter {
  const [top] = [...candidates].sort((a, b) =>
    isBetter(a.fit, b.fit) ? -1 : isBetter(b.fit, a.fit) ? 1 : 0,
  );
  if (top === undefined) return { profile: null, values: [], equals: [] };
  const equals = candidates
    .filter(
      (other) => other !== top && (!isBetter(top.fit, other.fit) || areAlike(top.profile, other.profile)),
    )
    .map(({ profile }) => profile);
  return { profile: top.profile, values: top.values, equals };
}

const areAlike = (a: ModbusProfile, b: ModbusProfile): boolean =>
  a.fingerprint.alike.includes(b.id) || b.fingerprint.alike.includes(a.id);

/** How well a model explains what was read. */
export interface Fit {
  /** Registers of the model that were not answered, but for those that not every firmware has. */
  absent: number;
  nonzero: number;
  zero: number;
}

/** 57.7 V is a phase behind a 100 V transformer, 480 V the highest low voltage in use. */
const volts: [string, string] = ['50', '500'];
/** Some models tell the quadrant by what goes beyond 1. */
const powerFactor: [string, string] = ['-2', '2'];
const counter: [string, string] = ['0', '1000000000'];
/** What a meter in service shows, in the register's unit. Elsewhere anything goes. */
const usual: Record<string, [string, string]> = {
  '1-0:32.7.0': volts,
  '1-0:14.7.0': ['45', '65'],
  '1-0:13.7.0': powerFactor,
  '1-0:33.7.0': powerFactor,
  '1-0:1.8.0': counter,
  '1-0:15.8.0': counter,
  '8-0:1.0.0': counter,
};

/** Null when a value rules the model out. */
export function fitOf(profile: ModbusProfile, values: readonly RegisterValue[]): Fit | null {
  if (isRuledOut(profile, values)) return null;
  const common = new Set(profile.registers.filter(({ optional }) => !optional).map(({ obis }) => obis));
  const ofCommon = ({ register }: RegisterValue): boolean => common.has(register.obis);
  const shown = values.filter(({ value }) => value !== null);
  const zeros = shown.filter(({ value }) => micro(value ?? '0') === 0n);
  const fit = {
    absent: common.size - values.filter(ofCommon).length,
    nonzero: shown.length - zeros.length,
    zero: zeros.filter(ofCommon).length,
  };
  return fit.nonzero > 0 ? fit : null;
}

/** Whether it shows what no meter of the model does. A pattern for "no value" says nothing. */
function isRuledOut(profile: ModbusProfile, values: readonly RegisterValue[]): boolean {
  return values.some(({ register, value, code }) => {
    if (value === null) return code !== 'not_available';
    const range = plausibleRange(profile, register.obis);
    const amount = micro(value);
    return range !== null && (amount < micro(range[0]) || amount > micro(range[1]));
  });
}

function plausibleRange({ fingerprint }: ModbusProfile, obis: string): [string, string] | null {
  const own = fingerprint.plausible.find((range) => range.obis === obis);
  return own === undefined ? (usual[obis] ?? null) : [own.from, own.to];
}

/** Fewer unexplained registers first; then more that say something, then fewer that only read 0. */
export function isBetter(a: Fit, b: Fit): boolean {
  if (a.absent !== b.absent) return a.absent < b.absent;
  return a.nonzero === b.nonzero ? a.zero < b.zero : a.nonzero > b.nonzero;
}
