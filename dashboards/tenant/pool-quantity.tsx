/** @jsxImportSource preact */
/** How a shared quantity came about: what was counted, through which pools, by which rules. */
import type { PoolStream, StatementLine } from '../../protocols/statement.ts';
import { grouped, instantText, unitText } from '../format.ts';
import type { TenantWords } from '../words/tenant.ts';
import { type FormulaSteps, type HopSteps, poolSteps } from './pool-steps.ts';

interface Props {
  words: TenantWords;
  line: StatementLine;
  streams: readonly PoolStream[];
  timeZone: string;
}

export function PoolQuantity({ words, line, streams, timeZone }: Props) {
  const exact = (text: string): string => `${grouped(text)}\u00a0${unitText(line.unit)}`;
  return (
    <>
      {streams.map((stream) => (
        <section key={`${stream.from} ${stream.path.map(({ pool }) => pool).join('>')}`}>
          <p>
            {words.ownQuantity(stream.meters.join(' + '), exact(stream.quantity))}
            {streams.length > 1 && (
              <span class="muted">
                {' '}
                {instantText(stream.from, timeZone)} – {instantText(stream.to, timeZone)}
              </span>
            )}
          </p>
          {stream.difference !== null && (
            <p class="muted">
              {words.difference(exact(stream.difference.above), exact(stream.difference.below))}
            </p>
          )}
          {(poolSteps(stream) ?? []).map((hop) => (
            <Hop key={hop.rule + hop.poolName} words={words} hop={hop} />
          ))}
        </section>
      ))}
      <p class="formula">{words.poolTotal(exact(line.quantity))}</p>
    </>
  );
}

function Hop({ words, hop }: { words: TenantWords; hop: HopSteps }) {
  return (
    <>
      <p class="formula">
        {hop.poolName}:{' '}
        {hop.isWhole
          ? hop.percent
          : words.poolPart(hop.weight.value, hop.totalWeight, hop.factor?.value ?? null, hop.percent)}
      </p>
      <p class="muted">
        {words.rule} {hop.rule}
      </p>
      {!hop.isWhole && (
        <details>
          <summary>{words.ruleSteps}</summary>
          {[hop.weight, hop.factor, hop.cap].map(
            (formula) => formula !== null && <Steps key={formula.text} formula={formula} />,
          )}
        </details>
      )}
    </>
  );
}

function Steps({ formula }: { formula: FormulaSteps }) {
  return (
    <ul>
      {formula.steps.map(({ text, value, date }) => (
        <li key={`${date} ${text}`}>
          {date !== null && <span class="muted">{date} </span>}
          {text} = {value}
        </li>
      ))}
    </ul>
  );
}
