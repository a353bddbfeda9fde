/** @jsxImportSource preact */
/** Why a list is refused, cell by cell; the same file with its bad cells marked; and headings to be named once. */
import { useState } from 'preact/hooks';
import type { ListRefused } from '../../protocols/edge-api.ts';
import { fieldNames, IGNORED, titlesOf } from '../../protocols/meter-list/columns.ts';
import { columnLetters } from '../../protocols/meter-list/table.ts';
import type { HeadingMap } from './list-import.tsx';
import { useSession } from './session.ts';

const SHOWN = 40;

interface Props {
  refused: ListRefused;
  onMap: (headings: HeadingMap) => void;
}

export function ListProblems({ refused, onMap }: Props) {
  const { words, language } = useSession();
  const { problems, answer, detail } = refused;
  const unknown = problems.filter(({ code }) => code === 'unknown_column').map(({ heading }) => heading);
  return (
    <section class="card">
      <div class="notice bad" role="alert">
        <strong>{words.listRefused(String(problems.length))}</strong>
        {problems.length === 0 && <p>{detail}</p>}
      </div>
      {answer !== null && <MarkedFile name={answer.name} base64={answer.base64} />}
      {unknown.length > 0 && <NameHeadings headings={[...new Set(unknown)]} onMap={onMap} />}
      <ul class="rows">
        {problems.slice(0, SHOWN).map(({ row, column, heading, code, message }) => (
          <li key={`${row} ${column} ${code}`}>
            <b class="mono">{column === null ? words.row(String(row)) : `${columnLetters(column)}${row}`}</b>{' '}
            {heading}
            <p class="small">{message[language]}</p>
          </li>
        ))}
      </ul>
      {problems.length > SHOWN && (
        <p class="muted small">{words.moreProblems(String(problems.length - SHOWN))}</p>
      )}
    </section>
  );
}

function MarkedFile({ name, base64 }: { name: string; base64: string }) {
  const { words } = useSession();
  const [url] = useState(() => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    return URL.createObjectURL(new Blob([bytes]));
  });
  return (
    <a class="button primary" href={url} download={name}>
      {words.markedFile(name)}
    </a>
  );
}

function NameHeadings({
  headings,
  onMap,
}: {
  headings: readonly string[];
  onMap: (map: HeadingMap) => void;
}) {
  const { words, language } = useSession();
  const [map, setMap] = useState<HeadingMap>({});
  return (
    <form
      class="names"
      onSubmit={(event) => {
        event.preventDefault();
        onMap(Object.fromEntries(headings.map((heading) => [heading, map[heading] ?? IGNORED])));
      }}
    >
      <h3>{words.nameHeadings}</h3>
      {headings.map((heading) => (
        <label key={heading}>
          {heading}
          <select
            value={map[heading] ?? IGNORED}
            onChange={({ currentTarget }) => setMap({ ...map, [heading]: currentTarget.value })}
          >
            <option value={IGNORED}>{words.ignoreColumn}</option>
            {fieldNames.map((field) => (
              <option key={field} value={field}>
                {titlesOf(field)[language]}
              </option>
            ))}
          </select>
        </label>
      ))}
      <button type="submit" class="button">
        {words.checkAgain}
      </button>
    </form>
  );
}
