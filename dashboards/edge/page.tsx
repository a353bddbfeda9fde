/** @jsxImportSource preact */
/** The gateway's own page: the site, its meters, the scan of a bus, the proof of a meter and the list; for a phone beside the cabinet. */
import { useEffect, useState } from 'preact/hooks';
import type { EdgeMeter, EdgeStatus } from '../../protocols/edge-api.ts';
import { chooseLanguage, chosenLanguage, type Language } from '../language.ts';
import { edgeWords } from '../words/edge.ts';
import { useDrafts } from './draft.ts';
import { useEvidenceQueue } from './evidence-queue.ts';
import { ListImport } from './list-import.tsx';
import { Meters } from './meters.tsx';
import { ProblemNotice } from './notices.tsx';
import { Prove } from './prove.tsx';
import { replaceRoute, useRoute } from './route.ts';
import { Scan } from './scan.tsx';
import { SessionContext, useSession } from './session.ts';
import { SignIn } from './sign-in.tsx';
import { Site } from './site.tsx';
import { usePolled } from './use-polled.ts';

const tabs = [
  { page: 'site', href: '#/' },
  { page: 'meters', href: '#/meters' },
  { page: 'scan', href: '#/scan' },
  { page: 'prove', href: '#/prove' },
  { page: 'list', href: '#/list' },
] as const;

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
  const { page } = useRoute();
  const status = usePolled<EdgeStatus>('/api/v1/status');
  const meters = usePolled<{ items: EdgeMeter[] }>('/api/v1/meters');
  const problem = status.problem ?? meters.problem;
  return (
    <>
      <nav class="tabs" aria-label={words.title}>
        {tabs.map((tab) => (
          <a key={tab.page} class="tab" href={tab.href} aria-current={tab.page === page ? 'page' : undefined}>
            {words[tab.page]}
          </a>
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
          <Parts
            status={status.data}
            meters={meters.data.items}
            reachable={problem === null}
            onChanged={meters.reload}
          />
        )}
      </main>
    </>
  );
}

interface PartsProps {
  status: EdgeStatus;
  meters: readonly EdgeMeter[];
  reachable: boolean;
  onChanged: () => void;
}

function Parts({ status, meters, reachable, onChanged }: PartsProps) {
  const route = useRoute();
  const drafts = useDrafts();
  const queue = useEvidenceQueue(reachable);
  const dimmed = reachable ? '' : 'dimmed';
  return (
    <>
      {route.page === 'site' && (
        <div class={dimmed}>
          <Site status={status} meters={meters} />
        </div>
      )}
      {route.page === 'meters' && (
        <div class={dimmed}>
          <Meters
            meters={meters}
            filter={route.filter}
            onFilter={(filter) => replaceRoute({ page: 'meters', filter })}
          />
        </div>
      )}
      {/* It stays while another part is looked at: a scan runs on. */}
      <div hidden={route.page !== 'scan'}>
        <Scan status={status} meters={meters} />
      </div>
      {route.page === 'prove' && (
        <Prove at={route.at} status={status} meters={meters} drafts={drafts} queue={queue} />
      )}
      {route.page === 'list' && <ListImport onTaken={onChanged} />}
    </>
  );
}
