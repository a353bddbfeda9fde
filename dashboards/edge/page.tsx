/** @jsxImportSource preact */
/** The gateway's own page: the site, its meters, the scan of a bus and the proof of a meter; for a phone beside the cabinet. */
import { useEffect, useState } from 'preact/hooks';
import type { EdgeMeter, EdgeStatus } from '../../protocols/edge-api.ts';
import { chooseLanguage, chosenLanguage, type Language } from '../language.ts';
import { edgeWords } from '../words/edge.ts';
import { Detective, type ToProve } from './detective.tsx';
import { Meters } from './meters.tsx';
import { ProblemNotice } from './notices.tsx';
import { Scan } from './scan.tsx';
import { SessionContext, useSession } from './session.ts';
import { SignIn } from './sign-in.tsx';
import { Site } from './site.tsx';
import { usePolled } from './use-polled.ts';

const tabs = ['site', 'meters', 'scan', 'detective'] as const;
type Tab = (typeof tabs)[number];

export function Page() {
  const [language, setLanguage] = useState<Language>(chosenLanguage);
  const [signedIn, setSignedIn] = useState(true);
  const words = edgeWords[language];

  useEffect(() => {
    document.documentElement.lang = language;
    document.title = `${words.title} · Meterline`;
  }, [language, words]);

  const toggle = () => {
    const other = language === 'en' ? 'zh-CN' : 'en';
    chooseLanguage(other);
    setLanguage(other);
  };
  return (
    <SessionContext.Provider value={{ words, language, onSignedOut: () => setSignedIn(false) }}>
      <header class="top">
        <h1>{words.title}</h1>
        <button type="button" class="button" lang={language === 'en' ? 'zh-CN' : 'en'} onClick={toggle}>
          {words.otherLanguage}
        </button>
      </header>
      {signedIn ? <Gateway /> : <SignIn onSignedIn={() => setSignedIn(true)} />}
    </SessionContext.Provider>
  );
}

function Gateway() {
  const { words } = useSession();
  const [tab, setTab] = useState<Tab>('site');
  const [filter, setFilter] = useState('');
  const [toProve, setToProve] = useState<ToProve | null>(null);
  const status = usePolled<EdgeStatus>('/api/v1/status');
  const meters = usePolled<{ items: EdgeMeter[] }>('/api/v1/meters');
  const problem = status.problem ?? meters.problem;

  const prove = (what: ToProve) => {
    setToProve(what);
    setTab('detective');
  };
  return (
    <>
      <nav class="tabs" aria-label={words.title}>
        {tabs.map((one) => (
          <button
            key={one}
            type="button"
            class="tab"
            aria-current={one === tab ? 'page' : undefined}
            onClick={() => setTab(one)}
          >
            {words[one]}
          </button>
        ))}
      </nav>
      <main>
        {problem !== null && <ProblemNotice problem={problem} retry={status.reload} />}
        {(status.data === null || meters.data === null) && problem === null && (
          <p class="muted" aria-busy="true">
            {words.loading}
          </p>
        )}
        {status.data !== null && meters.data !== null && (
          <div class={problem === null ? '' : 'dimmed'}>
            {tab === 'site' && (
              <Site
                status={status.data}
                meters={meters.data.items}
                onFilter={(text) => {
                  setFilter(text);
                  setTab('meters');
                }}
              />
            )}
            {tab === 'meters' && (
              <Meters meters={meters.data.items} filter={filter} onFilter={setFilter} onProve={prove} />
            )}
            {/* They stay while another tab is looked at: a scan runs on. */}
            <div hidden={tab !== 'scan'}>
              <Scan status={status.data} meters={meters.data.items} onProve={prove} />
            </div>
            <div hidden={tab !== 'detective'}>
              <Detective status={status.data} meters={meters.data.items} toProve={toProve} />
            </div>
          </div>
        )}
      </main>
    </>
  );
}
