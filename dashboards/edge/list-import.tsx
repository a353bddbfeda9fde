/** @jsxImportSource preact */
/** The park's own list of meters: looked at first, taken on request; what is wrong comes back marked in the same workbook. */
import { useState } from 'preact/hooks';
import type { Problem } from '../../protocols/api.ts';
import type { ListImport as Imported, ListRefused } from '../../protocols/edge-api.ts';
import { ListDifference } from './list-difference.tsx';
import { ListProblems } from './list-problems.tsx';
import { ProblemNotice } from './notices.tsx';
import { sendFile } from './send-file.ts';
import { problemOf, useSession } from './session.ts';

/** Headings that the person names, by what they hold. */
export type HeadingMap = Readonly<Record<string, string>>;

type Outcome = { taken: Imported } | { refused: ListRefused } | { problem: Problem };

const UNPROCESSABLE = 422;

export function ListImport({ onTaken }: { onTaken: () => void }) {
  const { words, language } = useSession();
  const [file, setFile] = useState<File | null>(null);
  const [map, setMap] = useState<HeadingMap>({});
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [sending, setSending] = useState<'trial' | 'real' | null>(null);

  const send = (list: File, headings: HeadingMap, dryRun: boolean) => {
    setSending(dryRun ? 'trial' : 'real');
    setOutcome(null);
    const query = new URLSearchParams({
      name: list.name,
      dryRun: String(dryRun),
      ...(Object.keys(headings).length === 0 ? {} : { map: JSON.stringify(headings) }),
    });
    sendFile<Imported | ListRefused>(`/api/v1/import?${query}`, list, {
      type: 'application/octet-stream',
      language,
      readable: [UNPROCESSABLE],
    })
      .then(({ body }) => {
        setOutcome('problems' in body ? { refused: body } : { taken: body });
        if (!('problems' in body) && body.written) onTaken();
      })
      .catch((error: unknown) => setOutcome({ problem: problemOf(error) }))
      .finally(() => setSending(null));
  };
  const choose = (chosen: File | undefined) => {
    if (chosen === undefined) return;
    setFile(chosen);
    setMap({});
    send(chosen, {}, true);
  };
  return (
    <>
      <section class="card">
        <h2>{words.listTitle}</h2>
        <p>{words.listHint}</p>
        <label>
          <span class={file === null ? 'button primary' : 'button'}>
            {file === null ? words.chooseList : words.anotherList(file.name)}
          </span>
          <input
            type="file"
            class="visually-hidden"
            aria-label={words.chooseList}
            accept=".xlsx,.csv"
            onChange={({ currentTarget }) => {
              choose(currentTarget.files?.[0]);
              // The same file, mended, may be chosen again.
              currentTarget.value = '';
            }}
          />
        </label>
        {sending !== null && (
          <p role="status">{sending === 'trial' ? words.checkingList : words.takingList}</p>
        )}
      </section>
      {outcome !== null && 'problem' in outcome && (
        <ProblemNotice
          problem={outcome.problem}
          {...(file === null ? {} : { retry: () => send(file, map, true) })}
        />
      )}
      {outcome !== null && 'refused' in outcome && file !== null && (
        <ListProblems
          refused={outcome.refused}
          onMap={(headings) => {
            const all = { ...map, ...headings };
            setMap(all);
            send(file, all, true);
          }}
        />
      )}
      {outcome !== null && 'taken' in outcome && file !== null && (
        <ListDifference
          taken={outcome.taken}
          busy={sending !== null}
          onApply={() => send(file, map, false)}
        />
      )}
    </>
  );
}
