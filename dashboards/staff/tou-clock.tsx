/** Time of use over the 24 hours of each kind of day: a letter and a colour for each period, or a table. */
import { useId, useState } from 'react';
import type { TouCalendar } from '../../protocols/park.ts';
import { hourOf, type TouStrip, touStrips } from '../charts/tou-strips.ts';
import { type TermsWords, termsWords } from '../words/terms.ts';
import { ScrollTable } from './scroll-table.tsx';
import { useSession } from './session.ts';

const kinds = { sharp: 'sharp', peak: 'peak', flat: 'flat', valley: 'valley', deep: 'deep' } as const;
type Kind = keyof typeof kinds | 'other';

/** `sharp`, `tip`, `deep_valley`, `深谷`: whichever words a tariff uses. */
function kindOf(period: string): Kind {
  if (/deep|深/i.test(period)) return 'deep';
  if (/sharp|critical|tip|尖/i.test(period)) return 'sharp';
  if (/off.?peak|valley|low|谷/i.test(period)) return 'valley';
  if (/peak|high|峰/i.test(period)) return 'peak';
  return /flat|mid|shoulder|normal|平/i.test(period) ? 'flat' : 'other';
}
const letters = {
  sharp: 'sharp',
  peak: 'peak',
  flat: 'flatPeriod',
  valley: 'valley',
  deep: 'deep',
  other: 'otherPeriod',
} as const;
const fullNames = {
  sharp: 'sharpName',
  peak: 'peakName',
  flat: 'flatName',
  valley: 'valleyName',
  deep: 'deepName',
} as const;
const nameOf = (period: string, words: TermsWords): string => {
  const kind = kindOf(period);
  return kind === 'other' ? period : words[fullNames[kind]];
};

const WEEK_DAYS = 7;
function daysText({ weekdays, holiday }: TouStrip, words: TermsWords): string {
  const days =
    weekdays.length === WEEK_DAYS ? words.everyDay : weekdays.map((day) => words.weekday(day)).join(' ');
  return holiday ? `${words.holidays} · ${days}` : days;
}

export function TouClock({ calendar }: { calendar: TouCalendar }) {
  const { language } = useSession();
  const words = termsWords[language];
  const [table, setTable] = useState(false);
  const strips = touStrips(calendar);
  const periods = [...new Set(strips.flatMap(({ parts }) => parts.map(({ period }) => period)))];
  const { holidays = [], makeUpDays = [], triggered = [] } = calendar;
  return (
    <>
      <div className="controls">
        <h4>{words.clock}</h4>
        <button type="button" className="button" aria-pressed={table} onClick={() => setTable(!table)}>
          {table ? words.asChart : words.asTable}
        </button>
        <span className="legend">
          {periods.map((period) => (
            <span key={period}>
              <span className={`tou ${kindOf(period)}`}>{words[letters[kindOf(period)]]}</span>{' '}
              {nameOf(period, words)}
            </span>
          ))}
        </span>
      </div>
      {table ? (
        <StripTable strips={strips} />
      ) : (
        strips.map((strip) => (
          <Strip
            key={`${strip.season} ${strip.holiday} ${strip.weekdays.join()}`}
            strip={strip}
            calendar={calendar}
          />
        ))
      )}
      {(holidays.length > 0 || makeUpDays.length > 0 || triggered.length > 0) && (
        <p className="muted small">
          {words.holidays} {words.holidayCount(holidays.length)} · {words.makeUp}{' '}
          {words.holidayCount(makeUpDays.length)} · {words.triggered}{' '}
          {words.holidayCount(triggered.reduce((sum, { dates }) => sum + dates.length, 0))}
        </p>
      )}
    </>
  );
}

const HOURS = 24;
const HOUR_MARKS = [0, 3, 6, 9, 12, 15, 18, 21, 24];

function Strip({ strip, calendar }: { strip: TouStrip; calendar: TouCalendar }) {
  const { language } = useSession();
  const words = termsWords[language];
  const name = useId();
  const season = calendar.seasons.find((one) => one.name === strip.season);
  return (
    <figure className="tou-day">
      <figcaption id={name}>
        <strong>{strip.season}</strong>{' '}
        <span className="muted">
          {season === undefined ? words.otherDays : words.seasonSpan(season.from, season.to)} ·{' '}
          {daysText(strip, words)}
        </span>
      </figcaption>
      <div className="tou-strip" role="img" aria-labelledby={name}>
        {strip.parts.map(({ from, to, period }) => (
          <span
            key={from}
            className={`tou ${kindOf(period)}`}
            style={{ flexGrow: hourOf(to) - hourOf(from) }}
            title={`${from}–${to} ${nameOf(period, words)}`}
          >
            {words[letters[kindOf(period)]]}
          </span>
        ))}
      </div>
      <div className="tou-hours" aria-hidden="true">
        {HOUR_MARKS.map((hour) => (
          <span key={hour} style={{ left: `${(100 * hour) / HOURS}%` }}>
            {hour}
          </span>
        ))}
      </div>
    </figure>
  );
}

function StripTable({ strips }: { strips: TouStrip[] }) {
  const { language } = useSession();
  const words = termsWords[language];
  return (
    <ScrollTable name={words.clock}>
      <thead>
        <tr>
          <th scope="col">{words.season}</th>
          <th scope="col">{words.days}</th>
          <th scope="col">{words.clock}</th>
        </tr>
      </thead>
      <tbody>
        {strips.map((strip) => (
          <tr key={`${strip.season} ${strip.holiday} ${strip.weekdays.join()}`}>
            <th scope="row">{strip.season}</th>
            <td>{daysText(strip, words)}</td>
            <td>
              {strip.parts.map(({ from, to, period }) => (
                <span key={from} className="part">
                  <span className="nowrap">
                    {from}–{to}
                  </span>{' '}
                  {nameOf(period, words)}
                </span>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </ScrollTable>
  );
}
