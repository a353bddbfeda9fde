/**
 * Time-of-use calendars: which TOU period an instant belongs to. Windows are half-open on the site's clock, seasons are
 * dates of the year with both ends in, weekdays run from 1 (Monday) to 7.
 */
import type { TouCalendar, TouWindow } from '../../protocols/park.ts';

/** The TOU period of a site-local date and time. In a proven calendar at most one window fits. */
export function touPeriodAt(calendar: TouCalendar, local: Temporal.PlainDateTime): string {
  const minute = local.hour * 60 + local.minute;
  const window = windowsOn(calendar, local.toPlainDate()).find(
    ({ from, to }) => minutes(from) <= minute && minute < minutes(to),
  );
  return window?.period ?? calendar.otherPeriod;
}

/** Every TOU period the calendar can give, sorted. */
export const touPeriods = ({ windows, otherPeriod }: TouCalendar): string[] =>
  [...new Set([otherPeriod, ...windows.map(({ period }) => period)])].sort();

/** Minutes from midnight of a clock time; `"24:00"` is 1440. */
export function minutes(clock: string): number {
  if (clock === '24:00') return 1440;
  const { hour, minute } = Temporal.PlainTime.from(clock);
  return hour * 60 + minute;
}

/** The windows that apply on a date. */
export function windowsOn(calendar: TouCalendar, date: Temporal.PlainDate): TouWindow[] {
  const season = seasonOn(calendar, date);
  return calendar.windows.filter(
    (window) =>
      (window.season === undefined || window.season === season) &&
      (window.weekdays === undefined || window.weekdays.includes(date.dayOfWeek)),
  );
}

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
  const problems = calendar.windows.flatMap((window) => {
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
    const windows = windowsOn(calendar, date).sort((a, b) => minutes(a.from) - minutes(b.from));
    for (const [index, window] of windows.entries()) {
      const before = windows[index - 1];
      if (before !== undefined && minutes(window.from) < minutes(before.to))
        problems.push(`${date}: windows ${before.from}-${before.to} and ${window.from}-${window.to} meet`);
    }
  }
  return problems;
}
