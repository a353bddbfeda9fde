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

/** Heat (6), gas (7) and water (8): group A, then C, D and E. */
const fluids: Record<string, Wording> = {
  '6:1.0.0': worded('累计热量', 'heat'),
  '6:1.2.0': worded('结算日热量', 'heat at settlement'),
  '6:2.0.0': worded('累计流量', 'volume'),
  '6:8.0.0': worded('热功率', 'thermal power'),
  '6:9.0.0': worded('瞬时流量', 'flow'),
  '6:10.0.0': worded('供水温度', 'supply temperature'),
  '6:11.0.0': worded('回水温度', 'return temperature'),
  '7:3.0.0': worded('累计气量', 'gas volume'),
  '7:3.2.0': worded('结算日气量', 'gas volume at settlement'),
  '7:96.3.10': worded('阀门状态', 'valve'),
  '7:96.6.0': worded('电池欠压', 'battery low'),
  '8:1.0.0': worded('累计水量', 'water volume'),
  '8:1.2.0': worded('结算日水量', 'water volume at settlement'),
  '8:2.0.0': worded('瞬时流量', 'flow'),
  '8:96.3.10': worded('阀门状态', 'valve'),
  '8:96.5.0': worded('信号质量', 'signal quality'),
  '8:96.6.0': worded('电池欠压', 'battery low'),
  '8:97.97.0': worded('故障位', 'error bits'),
};

/** Codes that makers give as they like, and channels: they are told by the profile's own word. */
const ownWords: Record<string, string> = {
  'import demand': '正向有功需量',
  'export demand': '反向有功需量',
  'reactive combined': '组合无功电能',
  'voltage L1-L2': 'AB 线电压',
  'voltage L2-L3': 'BC 线电压',
  'voltage L3-L1': 'CA 线电压',
  'current sum': '三相电流之和',
  'phase angle': '相位角',
  temperature: '温度',
  'temperature 1': '温度 1',
  'temperature 2': '温度 2',
  'temperature 3': '温度 3',
  pressure: '压力',
  velocity: '流速',
  'sound speed': '声速',
  'signal strength up': '上游信号强度',
  'signal strength down': '下游信号强度',
  'transit ratio': '传输时间比',
  'battery voltage': '电池电压',
  'working step': '工作步骤',
  'pipe state': '管道状态',
  'reverse volume': '反向累计水量',
  'net volume': '净累计水量',
  'prepaid volume left': '预付剩余水量',
};

/** Group E of what there is at the moment: all harmonics together. */
const DISTORTION = '124';

function electricityName(c: string, d: string, e: string): Wording | null {
  if (d === '8') return withRate(phaseName(energies, c), e);
  const name = d === '7' ? phaseName(momentary, c) : null;
  if (name === null || e === '0') return name;
  return e === DISTORTION ? worded(`${name['zh-CN']}谐波畸变率`, `${name.en} distortion`) : null;
}

/** Of the whole meter, or of a phase of it. */
function phaseName(names: Readonly<Record<string, Wording>>, c: string): Wording | null {
  const whole = names[c];
  if (whole !== undefined) return whole;
  for (const [at, phase] of phases.entries())
    for (const [group, name] of Object.entries(names)) {
      if (`${BigInt(group) + BigInt(PER_PHASE * (at + 1))}` !== c) continue;
      return worded(`${phase['zh-CN']}${name['zh-CN']}`, `${name.en} ${phase.en}`);
    }
  return null;
}

/** Rate 0 is the total. Which hours a rate stands for is set in the meter. */
const withRate = (name: Wording | null, rate: string): Wording | null =>
  rate === '0' || name === null ? name : worded(`${name['zh-CN']} 费率 ${rate}`, `${name.en} rate ${rate}`);

/**
 * What a register is called; null for one that is not in the dictionary: then the profile's own word stands.
 * Sum, phase and rate are told apart; nothing is said of what a rate means.
 * @param own the word that the profile has for it
 */
export function registerWording(obis: Obis, own: string): Wording | null {
  const [, a, c = '', d = '', e = ''] = /^(\d+)-\d+:(\d+)\.(\d+)\.(\d+)$/.exec(obis) ?? [];
  const byCode = a === '1' ? electricityName(c, d, e) : fluids[`${a}:${c}.${d}.${e}`];
  if (byCode != null) return byCode;
  const zh = ownWords[own];
  return zh === undefined ? null : worded(zh, own);
}

export const registerName = (obis: Obis, own: string, language: keyof Wording): string =>
  registerWording(obis, own)?.[language] ?? own;
