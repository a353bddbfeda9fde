import { z } from 'zod';
import { TouCalendar } from '../../../protocols/park.ts';
import { checkCalendar, touPeriodAt } from '../tou-calendar.ts';
import { goldenKind, RefusedCase } from './golden-kind.ts';

/** Site-local instants, or instants with an offset, classified by a calendar that is proved first. */
export const touClassificationKind = goldenKind(
  z.strictObject({ calendar: TouCalendar, instants: z.array(z.string()) }),
  ({ calendar, instants }) => {
    const locals = instants.map((text) =>
      /(Z|[+-]\d\d:\d\d)$/.test(text)
        ? Temporal.Instant.from(text).toZonedDateTimeISO(calendar.timeZone).toPlainDateTime()
        : Temporal.PlainDateTime.from(text),
    );
    for (const local of locals) {
      const date = local.toPlainDate();
      const [problem] = checkCalendar(calendar, `${date}`, `${date.add({ days: 1 })}`);
      if (problem !== undefined) throw new RefusedCase(problem);
    }
    return { periods: locals.map((local) => touPeriodAt(calendar, local)) };
  },
);
