/** @jsxImportSource preact */
/** What stands on the statement beside its lines: that it takes the place of another, or was replaced; late data and credits. */
import type { TenantView } from '../../protocols/api.ts';
import type { Statement } from '../../protocols/statement.ts';
import { moneyText } from '../format.ts';
import type { TenantWords } from '../words/tenant.ts';

interface Props {
  words: TenantWords;
  view: TenantView;
  statement: Statement;
}

export function Carried({ words, view, statement: { head } }: Props) {
  const carried = head.carried ?? [];
  return (
    <>
      {view.replacedBy !== null && (
        <p class="notice warn" role="status">
          {words.replaced} <a href={view.replacedBy}>{words.replacedBy}</a>
        </p>
      )}
      {head.corrects !== undefined && (
        <section class="notice">
          <h2>{words.corrects(head.corrects.statement, moneyText(head.corrects.gross))}</h2>
          <p>{head.corrects.cause}</p>
        </section>
      )}
      {carried.length > 0 && (
        <section>
          <h2>{words.carried}</h2>
          <ul class="carried">
            {carried.map(({ key, kind, name, servicePeriod, reason, gross }) => (
              <li key={key}>
                <strong>{moneyText(gross)}</strong> {kind === 'credit' ? words.credit : words.adjustment} ·{' '}
                {name} · {servicePeriod}
                <p class="muted">{reason}</p>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}
