/** @jsxImportSource preact */
/** What a list changes in the gateway's own file, before and after it does; and the columns that went nowhere. */
import type { ListImport } from '../../protocols/edge-api.ts';
import { useSession } from './session.ts';

interface Props {
  taken: ListImport;
  busy: boolean;
  onApply: () => void;
}

export function ListDifference({ taken, busy, onApply }: Props) {
  const { words, language } = useSession();
  const { written, meters, difference, notTaken } = taken;
  const { added, changed, removed, unchanged, notListed } = difference;
  const changes = added.length + changed.length + removed.length;
  return (
    <section class="card">
      {written ? (
        <p class="notice good" role="status">
          ✓ {words.listTaken(String(meters))}
        </p>
      ) : (
        <h2>{changes === 0 ? words.listSame(String(meters)) : words.listWould(String(meters))}</h2>
      )}
      {notTaken !== null && (
        <div class="notice warn">
          <strong>{words.notTaken(notTaken.columns.join('、'))}</strong>
          <p>{notTaken.message[language]}</p>
        </div>
      )}
      <Group title={words.listAdded} meters={added} />
      <Group title={words.listRemoved} meters={removed} />
      {changed.length > 0 && (
        <details open={changed.length <= FEW}>
          <summary>
            {words.listChanged} {changed.length}
          </summary>
          <ul class="rows">
            {changed.map(({ meter, changes: keys }) => (
              <li key={meter}>
                <b>{meter}</b>
                {keys.map(({ key, from, to }) => (
                  <p key={key} class="small">
                    {key}: <del>{from ?? '–'}</del> → <ins>{to ?? '–'}</ins>
                  </p>
                ))}
              </li>
            ))}
          </ul>
        </details>
      )}
      <p class="muted small">{words.listUnchanged(String(unchanged), String(notListed.length))}</p>
      {!written && changes > 0 && (
        <button type="button" class="button primary" disabled={busy} onClick={onApply}>
          {words.applyList(String(changes))}
        </button>
      )}
    </section>
  );
}

const FEW = 8;

function Group({ title, meters }: { title: string; meters: readonly string[] }) {
  if (meters.length === 0) return null;
  return (
    <details open={meters.length <= FEW}>
      <summary>
        {title} {meters.length}
      </summary>
      <p class="names">{meters.join(', ')}</p>
    </details>
  );
}
