/** Tariffs of the demo park. Figures are ours, of the size that a Chinese industrial park sees; no utility's price list. */
import type { Tariff, TouCalendar } from '../../protocols/park.ts';

/** 尖峰平谷: four periods, with midday and evening sharp only in the hot season. */
export const touCalendar = (timeZone: string): TouCalendar => ({
  timeZone,
  seasons: [{ name: 'summer', from: '07-01', to: '09-30' }],
  otherSeason: 'rest',
  windows: [
    { season: 'summer', from: '12:00', to: '14:00', period: 'sharp' },
    { season: 'summer', from: '08:00', to: '12:00', period: 'peak' },
    { season: 'summer', from: '14:00', to: '15:00', period: 'peak' },
    { season: 'summer', from: '18:00', to: '21:00', period: 'peak' },
    { season: 'rest', from: '18:00', to: '20:00', period: 'sharp' },
    { season: 'rest', from: '08:00', to: '11:00', period: 'peak' },
    { season: 'rest', from: '16:00', to: '18:00', period: 'peak' },
    { season: 'rest', from: '20:00', to: '21:00', period: 'peak' },
    { from: '22:00', to: '24:00', period: 'valley' },
    { from: '00:00', to: '06:00', period: 'valley' },
  ],
  otherPeriod: 'flat',
});

/** The TOU period of a site-local date (`MM-DD`) and minute of the day. */
export function touPeriod(calendar: TouCalendar, monthDay: string, minute: number): string {
  const season =
    calendar.seasons.find(({ from, to }) => from <= monthDay && monthDay <= to)?.name ?? calendar.otherSeason;
  const window = calendar.windows.find(
    ({ from, to, ...one }) =>
      (one.season ?? season) === season && minuteOf(from) <= minute && minute < minuteOf(to),
  );
  return window?.period ?? calendar.otherPeriod;
}

const minuteOf = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));

/** CNY a kWh before tax, by TOU period. */
export const energyPrices: readonly { touPeriod: string; name: string; price: string }[] = [
  { touPeriod: 'sharp', name: '尖段电能电费', price: '1.1873' },
  { touPeriod: 'peak', name: '峰段电能电费', price: '0.9746' },
  { touPeriod: 'flat', name: '平段电能电费', price: '0.6128' },
  { touPeriod: 'valley', name: '谷段电能电费', price: '0.2954' },
];
/** CNY a kW of the month's highest quarter of an hour, and CNY a kWh of funds, before tax. */
export const demandPrice = '38.4';
export const fundsPrice = '0.027';
export const electricityTax = '0.13';

/** CNY a m3 before tax: what the supplier bills. */
export const waterPrices = [
  { component: 'water', name: '自来水费', price: '3.98', taxRate: '0.09' },
  { component: 'sewage', name: '污水处理费', price: '1.34', taxRate: '0.06' },
] as const;

/** Tenants climb to the supplier's price and never above it, so what they pay stays below the bill whatever they use. */
const tiers: Record<(typeof waterPrices)[number]['component'], [upTo: string | null, unit: string][]> = {
  water: [
    ['30', '3.42'],
    ['120', '3.75'],
    [null, '3.98'],
  ],
  sewage: [
    ['60', '1.21'],
    [null, '1.34'],
  ],
};

const always = { version: 1, from: '2026-01-01', to: null };

export const tariffs = (timeZone: string): Tariff[] => [
  {
    kind: 'pass_through',
    id: 'grid-pass-through',
    utility: 'electricity',
    calendar: touCalendar(timeZone),
    ...always,
  },
  ...waterPrices.map(
    ({ component, taxRate }): Tariff => ({
      kind: 'tiered',
      id: `tenant-${component}`,
      utility: 'water',
      component,
      tiers: tiers[component].map(([upTo, unit]) => ({ upTo, unit, flat: '0' })),
      taxRate,
      ...always,
    }),
  ),
];
