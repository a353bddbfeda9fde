/**
 * Time-of-use calendars: which TOU period an instant belongs to. Windows are half-open on the site's clock, seasons are
 * dates of the year with both ends in, weekdays run from 1 (Monday) to 7.
 */
import type { TouCalendar, TouWindow } from '../../protocols/park.ts';

/** The TOU period of a site-local date and time. In a proven calendar at most one window fits. */
export function touPeriodAt(calendar: TouCalendar, local: Temporal.PlainDateTime): string {
  const minute = local.hour * 60 + local.minute;
  const date = local.toPlainDate();
  const window = [...triggeredOn(calendar, date), ...windowsOn(calendar, date)].find(
    ({ from, to }) => minutes(from) <= minute && minute < minutes(to),
  );
  return window?.period ?? calendar.otherPeriod;
}

/** Every TOU period the calendar can give, sorted. */
export const touPeriods = ({ windows, otherPeriod, triggered = [] }: TouCalendar): string[] =>
  [...new Set([otherPeriod, ...[...windows, ...triggered].map(({ period }) => period)])].sort();

/** Minutes from midnight of a clock time; `"24:00"` is 1440. */
export function minutes(clock: string): number {
  if (clock === '24:00') return 1440;
  const { hour, minute } = Temporal.PlainTime.from(clock);
  return hour * 60 + minute;
}

/** The windows that apply on a date, but for those that were called out for it. */
export function windowsOn(calendar: TouCalendar, date: Temporal.PlainDate): TouWindow[] {
  const season = seasonOn(calendar, date);
  const { holidays = [], makeUpDays = [] } = calendar;
  const isHoliday = holidays.includes(`${date}`);
  const weekday = makeUpDays.find((one) => one.date === `${date}`)?.as ?? date.dayOfWeek;
  return calendar.windows.filter(
    (window) =>
      (window.season === undefined || window.season === season) &&
      (window.weekdays === undefined || window.weekdays.includes(weekday)) &&
      (window.holidays === undefined || (window.holidays === 'only') === isHoliday),
  );
}

/** The windows that were called out for a date. */
export const triggeredOn = (
  { triggered = [] }: TouCalendar,
  date: Temporal.PlainDate,
): { from: string; to: string; period: string }[] =>
  triggered.filter(({ dates }) => dates.includes(`${date}`));

/** The clock times at which a TOU period may begin or end on a date, minutes from midnight. */
export const edgesOn = (calendar: TouCalendar, date: Temporal.PlainDate): number[] =>
  [...triggeredOn(calendar, date), ...windowsOn(calendar, date)].flatMap(({ from, to }) => [
    minutes(from),
    minutes(to),
  ]);

/** A season may run over the turn of the year: from 10-01 to 05-31. */
function seasonOn(calendar: TouCalendar, date: Temporal.PlainDate): string {
  const day = date.toString().slice(5);
  const season = calendar.seasons.find(({ from, to }) =>
    from <= to ? from <= day && day <= to : from <= day || day <= to,
  );
  return season?.name ?? calendar.otherSeason;
}

/**
 * Proves over the dates `[from, to)` that each instant has exactly one TOU period: windows are well formed and no two
 * meet; what none covers is `otherPeriod`'s.
 * @returns one sentence per problem; empty is the proof
 */
export function checkCalendar(calendar: TouCalendar, from: string, to: string): string[] {
  const names = new Set([calendar.otherSeason, ...calendar.seasons.map(({ name }) => name)]);
  const { triggered = [], makeUpDays = [], holidays = [] } = calendar;
  const worked = makeUpDays.map((one) => one.date);
  const twice = [...worked, ...holidays].find((day, index, all) => all.indexOf(day) !== index);
  if (twice !== undefined) return [`${twice}: it stands twice among holidays and make-up days`];
  const all: TouWindow[] = [...calendar.windows, ...triggered];
  const problems = all.flatMap((window) => {
    const where = `window ${window.from}-${window.to} ${window.period}`;
    return [
      ...(minutes(window.from) < minutes(window.to)
        ? []
        : [`${where}: ends before it begins; write two windows`]),
      ...(window.season === undefined || names.has(window.season)
        ? []
        : [`${where}: there is no season "${window.season}"`]),
    ];
  });
  if (problems.length > 0) return problems;
  const end = Temporal.PlainDate.from(to);
  for (
    let date = Temporal.PlainDate.from(from);
    Temporal.PlainDate.compare(date, end) < 0;
    date = date.add({ days: 1 })
  ) {
    problems.push(
      ...meetings(date, windowsOn(calendar, date)),
      ...meetings(date, triggeredOn(calendar, date)),
    );
  }
  return problems;
}

/** Windows of one date that overlap. */
function meetings(date: Temporal.PlainDate, windows: readonly { from: string; to: string }[]): string[] {
  const sorted = [...windows].sort((a, b) => minutes(a.from) - minutes(b.from));
  return sorted.flatMap((window, index) => {
    const before = sorted[index - 1];
    return before !== undefined && minutes(window.from) < minutes(before.to)
      ? [`${date}: windows ${before.from}-${before.to} and ${window.from}-${window.to} meet`]
      : [];
  });
}
