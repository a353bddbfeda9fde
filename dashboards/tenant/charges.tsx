/** @jsxImportSource preact */
/** Every charge, by utility and pool; each opens to how it was computed. */
import { useEffect, useState } from 'preact/hooks';
import type { Statement } from '../../protocols/statement.ts';
import { moneyText, quantityText } from '../format.ts';
import type { Language } from '../language.ts';
import type { TenantWords } from '../words/tenant.ts';
import { groupLines } from './statement-view.ts';

export function Charges({
  words,
  language,
  statement,
}: {
  words: TenantWords;
  language: Language;
  statement: Statement;
}) {
  // The arithmetic behind the lines comes when the page stands: its charges do not wait for it.
  const [how, setHow] = useState<typeof import('./explanation.tsx') | null>(null);
  useEffect(() => {
    import('./explanation.tsx').then(setHow, () => undefined);
  }, []);
  return (
    <section>
      <h2>{words.lines}</h2>
      {groupLines(statement.lines).map((group) => (
        <div class="group" key={`${group.utility} ${group.pool}`}>
          <h3>
            <span>
              {words[group.utility]} · {group.pool === 'own' ? words.own : words.shared(group.poolName)}
            </span>
            <span class="number">{moneyText(group.gross)}</span>
          </h3>
          <ul class="lines">
            {group.lines.map((line) => (
              <li key={line.id}>
                <details>
                  <summary>
                    <span class="name">{line.name}</span>
                    <span class="number">{quantityText(line.quantity, line.unit)}</span>
                    <span class="number money">{moneyText(line.gross)}</span>
                    <span class="how">{words.how}</span>
                  </summary>
                  {how !== null && (
                    <how.Explanation words={words} language={language} statement={statement} line={line} />
                  )}
                </details>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}
