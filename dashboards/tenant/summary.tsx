/** @jsxImportSource preact */
/** Who issued it, to whom, for when, how much, and what was used at which time of day. */
import type { Statement } from '../../protocols/statement.ts';
import { dayBefore, moneyText, quantityText, scaled } from '../format.ts';
import type { Language } from '../language.ts';
import type { TenantWords } from '../words/tenant.ts';
import { byTimeOfUse, knownPeriod, type TimeOfUse } from './statement-view.ts';

export function Summary({
  words,
  language,
  statement: { head, lines },
}: {
  words: TenantWords;
  language: Language;
  statement: Statement;
}) {
  const times = byTimeOfUse(lines);
  return (
    <section class="summary">
      <p class="issuer">
        <span class="muted">{words.issuedBy}</span> <strong>{head.issuer}</strong>
      </p>
      <h1>
        {monthText(head.period, language)} {words.statement}
      </h1>
      <p class="muted">
        {head.tenant} · {words.days(head.from, dayBefore(head.to))}
      </p>
      <p class="total">
        <span class="muted">{words.total}</span>
        <strong data-testid="total">{moneyText(head.gross)}</strong>
        <span class="muted">
          {words.net} {moneyText(head.net)} + {words.tax} {moneyText(head.tax)}
        </span>
      </p>
      {times.length > 0 && <TimeBars words={words} times={times} />}
    </section>
  );
}

const monthText = (period: string, language: Language): string =>
  new Intl.DateTimeFormat(language, { year: 'numeric', month: 'long', timeZone: 'UTC' }).format(
    new Date(`${period}-01T00:00:00Z`),
  );

/** A bar's length is its share of the longest one: kWh, never money. */
function TimeBars({ words, times }: { words: TenantWords; times: TimeOfUse[] }) {
  const units = times.map(({ quantity }) => scaled(quantity, 2)).sort((a, b) => (a < b ? -1 : 1));
  const longest = units.at(-1) || 1n;
  return (
    <div class="times">
      <h2>{words.byTime}</h2>
      <ul>
        {times.map(({ period, quantity, unit, gross }) => {
          const known = knownPeriod(period);
          return (
            <li key={period}>
              <span class={`tou ${known ?? ''}`}>{known === null ? period : words[known]}</span>
              <span class="bar" aria-hidden="true">
                <span
                  class={`fill ${known ?? ''}`}
                  style={{ width: `${(scaled(quantity, 2) * 100n) / longest}%` }}
                />
              </span>
              <span class="number">{quantityText(quantity, unit)}</span>
              <span class="number money">{moneyText(gross)}</span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
