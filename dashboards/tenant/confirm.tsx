/** @jsxImportSource preact */
/** The tenant confirms exactly the bytes that were shown. Nothing is shown as done before the service says so. */
import { useState } from 'preact/hooks';
import type { TenantView } from '../../protocols/api.ts';
import { ask, ProblemError } from '../client.ts';
import { instantText } from '../format.ts';
import type { Language } from '../language.ts';
import type { TenantWords } from '../words/tenant.ts';
import type { Check } from './check-statement.ts';
import type { Opened } from './page.tsx';

interface Props {
  words: TenantWords;
  language: Language;
  api: string;
  check: Check | null;
  opened: Opened;
}

export function Confirm({ words, language, api, check, opened }: Props) {
  const [confirmedAt, setConfirmedAt] = useState(opened.view.confirmedAt);
  const [sending, setSending] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);

  const confirm = () => {
    setSending(true);
    setRefused(null);
    const body = { digest: opened.view.digest };
    ask<TenantView>(`${api}/confirm`, { language, method: 'POST', body })
      .then(
        (view) => setConfirmedAt(view.confirmedAt),
        (error: unknown) =>
          setRefused(
            error instanceof ProblemError && error.problem.title !== ''
              ? error.problem.title
              : words.unreachable,
          ),
      )
      .finally(() => setSending(false));
  };
  const download = (
    <>
      <a class="button" href={`${api}/statement.pdf`} target="_blank" rel="noreferrer">
        {words.printed}
      </a>
      <a class="button" href={`${api}/statement`} download={`${opened.view.statement}.json`}>
        {words.download}
      </a>
    </>
  );
  if (confirmedAt !== null)
    return (
      <section class="confirm notice good">
        <div role="status">
          <h2>✓ {words.confirmed(instantText(confirmedAt, opened.statement.head.timeZone))}</h2>
        </div>
        {download}
      </section>
    );
  return (
    <section class="confirm">
      <p class="muted">{words.confirmDetail}</p>
      {refused !== null && (
        <p class="notice bad" role="alert">
          {refused}
        </p>
      )}
      <button
        type="button"
        class="button primary"
        disabled={sending || check === null || check.state === 'bad'}
        onClick={confirm}
      >
        {sending ? words.confirming : words.confirm}
      </button>
      {download}
    </section>
  );
}
