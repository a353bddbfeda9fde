/** @jsxImportSource preact */
/** The tenant's page: opens the statement behind the link, checks it on this device, shows and confirms it. */
import { useEffect, useState } from 'preact/hooks';
import type { TenantView } from '../../protocols/api.ts';
import type { Statement } from '../../protocols/statement.ts';
import { ask, ProblemError, request } from '../client.ts';
import { chooseLanguage, chosenLanguage, type Language } from '../language.ts';
import { type TenantWords, tenantWords } from '../words/tenant.ts';
import { Carried } from './carried.tsx';
import { Charges } from './charges.tsx';
import { type Check, checkStatement } from './check-statement.ts';
import { Confirm } from './confirm.tsx';
import { Curves } from './curves.tsx';
import { Disputes } from './disputes.tsx';
import { Summary } from './summary.tsx';
import { Verdict } from './verdict.tsx';

export interface Opened {
  view: TenantView;
  statement: Statement;
}
type State = { opened: Opened } | { refused: 'invalid' | 'unreachable' } | null;

async function open(
  api: string,
  language: Language,
): Promise<{ opened: Opened; bytes: Uint8Array<ArrayBuffer> }> {
  const [view, file] = await Promise.all([
    ask<TenantView>(api, { language }),
    request(`${api}/statement`, { language }),
  ]);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const statement = JSON.parse(new TextDecoder().decode(bytes)) as Statement;
  return { opened: { view, statement }, bytes };
}

export function Page({ api }: { api: string }) {
  const [language, setLanguage] = useState<Language>(chosenLanguage);
  const [state, setState] = useState<State>(null);
  const [check, setCheck] = useState<Check | null>(null);
  const [attempt, setAttempt] = useState(0);
  const words = tenantWords[language];

  useEffect(() => {
    document.documentElement.lang = language;
    document.title = words.statement;
  }, [language, words]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the language is only that of refusals; another attempt opens it anew
  useEffect(() => {
    open(api, language).then(
      async ({ opened, bytes }) => {
        setState({ opened });
        setCheck(await checkStatement(bytes));
      },
      (error: unknown) => {
        const missing = error instanceof ProblemError && [400, 404].includes(error.problem.status);
        setState({ refused: missing ? 'invalid' : 'unreachable' });
      },
    );
  }, [api, attempt]);

  const toggle = () => {
    const other = language === 'en' ? 'zh-CN' : 'en';
    chooseLanguage(other);
    setLanguage(other);
  };
  return (
    <>
      <header class="top">
        <span class="brand">Meterline</span>
        <button type="button" class="button" lang={language === 'en' ? 'zh-CN' : 'en'} onClick={toggle}>
          {words.otherLanguage}
        </button>
      </header>
      <main>
        {state === null && <Loading words={words} />}
        {state !== null && 'refused' in state && (
          <Refusal words={words} kind={state.refused} retry={() => setAttempt(attempt + 1)} />
        )}
        {state !== null && 'opened' in state && (
          <>
            <Summary words={words} language={language} statement={state.opened.statement} />
            <Carried words={words} {...state.opened} />
            <Verdict words={words} check={check} opened={state.opened} />
            <Charges words={words} language={language} statement={state.opened.statement} />
            <Curves words={words} language={language} api={api} statement={state.opened.statement} />
            <Confirm words={words} language={language} api={api} check={check} opened={state.opened} />
            <Disputes words={words} language={language} api={api} statement={state.opened.statement} />
          </>
        )}
      </main>
    </>
  );
}

function Loading({ words }: { words: TenantWords }) {
  return (
    <div aria-busy="true">
      <p class="muted">{words.loading}</p>
      <div class="skeleton tall" />
      <div class="skeleton" />
      <div class="skeleton" />
    </div>
  );
}

function Refusal({
  words,
  kind,
  retry,
}: {
  words: TenantWords;
  kind: 'invalid' | 'unreachable';
  retry: () => void;
}) {
  if (kind === 'invalid')
    return (
      <div class="notice bad" role="alert">
        <h1>{words.invalidLink}</h1>
        <p>{words.invalidLinkDetail}</p>
      </div>
    );
  return (
    <div class="notice warn" role="alert">
      <h1>{words.unreachable}</h1>
      <button type="button" class="button" onClick={retry}>
        {words.retry}
      </button>
    </div>
  );
}
