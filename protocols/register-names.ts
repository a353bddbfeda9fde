/**
 * What registers are called, in Chinese and English, by their OBIS code: one dictionary for the gateway's page and the
 * command line. Groups after IEC 62056-61; the Chinese terms are those of DL/T 645-2007 and CJ/T 188. Pure.
 */
import type { Wording } from './api.ts';
import type { Obis } from './obis.ts';

const worded = (zh: string, en: string): Wording => ({ 'zh-CN': zh, en });

/** Energy, value group D = 8, by group C. */
const energies: Record<string, Wording> = {
  1: worded('正向有功电能', 'active import'),
  2: worded('反向有功电能', 'active export'),
  3: worded('正向无功电能', 'reactive import'),
  4: worded('反向无功电能', 'reactive export'),
  9: worded('视在电能', 'apparent energy'),
  15: worded('组合有功电能', 'combined active'),
};

/** What there is at the moment, D = 7, by group C. */
const momentary: Record<string, Wording> = {
  1: worded('有功功率（受入）', 'import power'),
  2: worded('有功功率（送出）', 'export power'),
  3: worded('无功功率', 'reactive power'),
  9: worded('视在功率', 'apparent power'),
  11: worded('电流', 'current'),
  12: worded('电压', 'voltage'),
  13: worded('功率因数', 'power factor'),
  14: worded('频率', 'frequency'),
  16: worded('有功功率', 'active power'),
};

/** Group C of one phase is that of the whole, and 20 a phase. */
const PER_PHASE = 20;
const phases: readonly Wording[] = [worded('A 相', 'L1'), worded('B 相', 'L2'), worded('C 相', 'L3')];

/** Heat (6), gas (7) and water (8): group A, then C and D. */
const fluids: Record<string, Wording> = {
  '6:1.0': worded('累计热量', 'heat'),
  '6:1.2': worded('结算日热量', 'heat at settlement'),
  '6:2.0': worded('累计流量', 'volume'),
  '6:8.0': worded('热功率', 'thermal power'),
  '6:9.0': worded('瞬时流量', 'flow'),
  '6:10.0': worded('供水温度', 'supply temperature'),
  '6:11.0': worded('回水温度', 'return temperature'),
  '7:3.0': worded('累计气量', 'gas volume'),
  '7:3.2': worded('结算日气量', 'gas volume at settlement'),
  '7:96.3': worded('阀门状态', 'valve'),
  '7:96.6': worded('电池欠压', 'battery low'),
  '8:1.0': worded('累计水量', 'water volume'),
  '8:1.2': worded('结算日水量', 'water volume at settlement'),
  '8:2.0': worded('瞬时流量', 'flow'),
  '8:96.3': worded('阀门状态', 'valve'),
  '8:96.5': worded('信号质量', 'signal quality'),
  '8:96.6': worded('电池欠压', 'battery low'),
  '8:97.97': worded('故障位', 'error bits'),
};

function electricityName(c: string, d: string, e: string): Wording | null {
  const names = d === '8' ? energies : d === '7' ? momentary : null;
  const whole = names?.[c];
  if (whole !== undefined) return d === '8' ? withRate(whole, e) : whole;
  for (const [at, phase] of phases.entries())
    for (const [group, name] of Object.entries(names ?? {})) {
      if (`${BigInt(group) + BigInt(PER_PHASE * (at + 1))}` !== c) continue;
      return worded(`${phase['zh-CN']}${name['zh-CN']}`, `${name.en} ${phase.en}`);
    }
  return null;
}

/** Rate 0 is the total. Which hours a rate stands for is set in the meter. */
const withRate = (name: Wording, rate: string): Wording =>
  rate === '0' ? name : worded(`${name['zh-CN']} 费率 ${rate}`, `${name.en} rate ${rate}`);

/**
 * What a register is called; null for a code that is not in the dictionary: then the profile's own word stands.
 * Sum, phase and rate are told apart; nothing is said of what a rate means.
 */
export function registerWording(obis: Obis): Wording | null {
  const [, a, c = '', d = '', e = ''] = /^(\d+)-\d+:(\d+)\.(\d+)\.(\d+)$/.exec(obis) ?? [];
  if (a === '1') return electricityName(c, d, e);
  return fluids[`${a}:${c}.${d}`] ?? null;
}

/** @param own the word that the profile has for it */
export const registerName = (obis: Obis, own: string, language: keyof Wording): string =>
  registerWording(obis)?.[language] ?? own;
