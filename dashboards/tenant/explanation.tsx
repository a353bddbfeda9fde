/** @jsxImportSource preact */
/** How one charge was computed: registers to quantity, quantity to amount. The figures are those that the check replays. */
import type { RegisterSpan, Statement, StatementLine } from '../../protocols/statement.ts';
import { grouped, instantText, moneyText, quantityText, unitText } from '../format.ts';
import type { Language } from '../language.ts';
import type { TenantWords } from '../words/tenant.ts';
import { PoolQuantity } from './pool-quantity.tsx';
import { knownPeriod } from './statement-view.ts';
import { flatOf, tierSteps } from './tier-steps.ts';

interface Props {
  words: TenantWords;
  language: Language;
  statement: Statement;
  line: StatementLine;
}

/** All six decimals that there are: this is for checking, not for reading. */
const exact = (text: string, unit: string): string => `${grouped(text)}\u00a0${unitText(unit)}`;

export function Explanation({ words, statement, line }: Props) {
  const spans = statement.registers.filter(({ meter }) => line.basis.meters.includes(meter));
  return (
    <ol class="steps">
      <li>
        <h4>{words.readings}</h4>
        {spans.map((span) => (
          <Registers
            key={`${span.meter} ${span.from}`}
            words={words}
            span={span}
            timeZone={statement.head.timeZone}
          />
        ))}
      </li>
      <li>
        <h4>{words.quantityStep}</h4>
        <Quantity words={words} line={line} timeZone={statement.head.timeZone} />
      </li>
      <li>
        <h4>{words.amountStep}</h4>
        {line.pricing.kind === 'share' ? (
          <ShareAmount words={words} line={line} pricing={line.pricing} />
        ) : (
          <TieredAmount words={words} statement={statement} line={line} pricing={line.pricing} />
        )}
        <p>
          {words.sum}: {moneyText(line.net)} + {moneyText(line.tax)} ={' '}
          <strong>{moneyText(line.gross)}</strong>
        </p>
      </li>
    </ol>
  );
}

function Registers({ words, span, timeZone }: { words: TenantWords; span: RegisterSpan; timeZone: string }) {
  const row = (name: string, at: string, value: string, raw: string | null) => (
    <tr>
      <th scope="row">
        {name}
        <br />
        <span class="muted">{instantText(at, timeZone)}</span>
      </th>
      <td class="number mono">
        {exact(value, span.unit)}
        {raw !== null && (
          <>
            <br />
            <span class="muted" title={words.raw}>
              0x{raw}
            </span>
          </>
        )}
      </td>
    </tr>
  );
  return (
    <table class="registers">
      <caption>
        {span.name} <span class="muted">{`${span.meter} · ${words.serial} ${span.serial}`}</span>
      </caption>
      <tbody>
        {row(words.opening, span.from, span.opening, span.openingRaw)}
        {span.events.map((event) => (
          <tr key={`${event.kind} ${event.at}`}>
            <th scope="row" colSpan={2}>
              {eventText(words, event, span.unit)}{' '}
              <span class="muted">{instantText(event.at, timeZone)}</span>
            </th>
          </tr>
        ))}
        {row(words.closing, span.to, span.closing, span.closingRaw)}
        <tr>
          <th scope="row">{words.multiplier}</th>
          <td class="number mono">× {span.multiplier}</td>
        </tr>
        <tr>
          <th scope="row">{words.consumption}</th>
          <td class="number mono">
            <strong>{exact(span.quantity, span.unit)}</strong>
            {span.periods.map(({ touPeriod, quantity }) => (
              <span class="muted period" key={touPeriod}>
                {periodText(words, touPeriod)} {exact(quantity, span.unit)}
              </span>
            ))}
            {!/^0(\.0+)?$/.test(span.estimated) && (
              <>
                <br />
                <span class="mark warn">{words.estimatedPart(exact(span.estimated, span.unit))}</span>
              </>
            )}
          </td>
        </tr>
      </tbody>
    </table>
  );
}

function eventText(words: TenantWords, event: RegisterSpan['events'][number], unit: string): string {
  switch (event.kind) {
    case 'rollover':
      return words.rollover(exact(event.modulus, unit));
    case 'exchange':
      return words.exchange(exact(event.finalOld, unit), exact(event.initialNew, unit), event.newSerial);
    case 'estimated':
      return words.estimatedAt;
    case 'frozen':
      return words.frozenAt;
  }
}

function periodText(words: TenantWords, period: string): string {
  const known = knownPeriod(period);
  return known === null ? period : words[known];
}

function Quantity({ words, line, timeZone }: { words: TenantWords; line: StatementLine; timeZone: string }) {
  const period = line.touPeriod === null ? '' : words.ofPeriod(periodText(words, line.touPeriod));
  const { basis, unit } = line;
  const meters = basis.meters.join(' + ');
  if (basis.kind === 'own')
    return (
      <p>
        {words.ownQuantity(meters, exact(line.quantity, unit))}
        {period}
      </p>
    );
  if (basis.kind === 'rule')
    return <PoolQuantity words={words} line={line} streams={basis.streams} timeZone={timeZone} />;
  return (
    <>
      <p>
        {words.ownQuantity(meters, exact(basis.poolQuantity, unit))}
        {period}
      </p>
      <p class="formula">
        {words.poolShare(
          exact(basis.poolQuantity, unit),
          grouped(basis.weight),
          grouped(basis.totalWeight),
          exact(line.quantity, unit),
        )}
      </p>
      <p class="muted">
        {words.rule} {basis.rule} · {words.areaDays}
      </p>
    </>
  );
}

type Pricing<K> = Extract<StatementLine['pricing'], { kind: K }>;

function ShareAmount({
  words,
  line,
  pricing,
}: {
  words: TenantWords;
  line: StatementLine;
  pricing: Pricing<'share'>;
}) {
  const quantity = exact(line.quantity, line.unit);
  const metered = exact(pricing.meteredQuantity, line.unit);
  return (
    <>
      <p>{words.sourceAmount}</p>
      <p class="formula">
        {words.net}: {words.share(moneyText(pricing.sourceNet), quantity, metered, moneyText(line.net))}
      </p>
      <p class="formula">
        {words.tax}: {words.share(moneyText(pricing.sourceTax), quantity, metered, moneyText(line.tax))}
      </p>
      {pricing.billedQuantity !== null && (
        <p class="muted">{words.loss(quantityText(pricing.billedQuantity, line.unit), metered)}</p>
      )}
      <p class="muted">{words.roundedOnce}</p>
    </>
  );
}

/** A bound as it was applied: times the days held. */
const scaledBound = (bound: string, multiplier: string): string =>
  multiplier === '1' ? bound : `${bound} × ${multiplier}`;

function TieredAmount({
  words,
  statement,
  line,
  pricing,
}: {
  words: TenantWords;
  statement: Statement;
  line: StatementLine;
  pricing: Pricing<'tiers'>;
}) {
  return (
    <>
      <p>{words.tiersStep(exact(pricing.totalQuantity, line.unit))}</p>
      <ul class="tiers">
        {pricing.tiers.map(({ upTo, unit, flat }) => (
          <li key={upTo ?? 'rest'}>
            <span>
              {upTo === null
                ? words.tierRest
                : words.tierBound(scaledBound(exact(upTo, line.unit), pricing.boundMultiplier))}
            </span>
            <span class="number">
              ¥{unit} / {unitText(line.unit)}
              {flatOf(flat) === null ? '' : ` + ${moneyText(flat)}`}
            </span>
          </li>
        ))}
      </ul>
      {pricing.boundMultiplier !== '1' && <p class="muted">{words.tierDays(pricing.boundMultiplier)}</p>}
      <TierSums words={words} statement={statement} line={line} pricing={pricing} />
    </>
  );
}

/** The tiers added up, the tax on them, and this line's part of both. */
function TierSums({
  words,
  statement,
  line,
  pricing,
}: {
  words: TenantWords;
  statement: Statement;
  line: StatementLine;
  pricing: Pricing<'tiers'>;
}) {
  const steps = tierSteps(line, statement.lines);
  if (steps === null) return null;
  const quantity = exact(line.quantity, line.unit);
  const total = exact(pricing.totalQuantity, line.unit);
  const terms = steps.parts.map(
    ({ quantity: part, unit, flat }) =>
      `${grouped(part)} × ${moneyText(unit)}${flat === null ? '' : ` + ${moneyText(flat)}`}`,
  );
  const unrounded = steps.unrounded === null ? '' : `${moneyText(steps.unrounded)} ≈ `;
  return (
    <>
      <p class="formula">
        {words.tiersNet}: {terms.join(' + ')} = {unrounded}
        {moneyText(steps.net)}
      </p>
      <p class="formula">
        {words.tiersTax}: {moneyText(steps.taxed)} × {steps.percent}&nbsp;% = {moneyText(steps.tax)}
      </p>
      {steps.shared && (
        <>
          <p>{words.tiersShare}</p>
          <p class="formula">
            {words.net}: {words.share(moneyText(steps.net), quantity, total, moneyText(line.net))}
          </p>
          <p class="formula">
            {words.tax}: {words.share(moneyText(steps.tax), quantity, total, moneyText(line.tax))}
          </p>
          <p class="muted">{words.tiersRounded}</p>
        </>
      )}
    </>
  );
}
