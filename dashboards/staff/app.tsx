/** The staff app: sign in, then one of its pages under a header. */
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { Health } from '../../protocols/api.ts';
import { ask, ProblemError } from '../client.ts';
import { chooseLanguage, chosenLanguage, type Language } from '../language.ts';
import { staffWords } from '../words/staff.ts';
import { AnomaliesPage } from './anomalies-page.tsx';
import { BillingPage } from './billing-page.tsx';
import { CasesPage } from './cases-page.tsx';
import { DeliveryPage } from './delivery-page.tsx';
import { useKeys } from './keys.ts';
import { MeterPage } from './meter-page.tsx';
import { QuarantinePage } from './quarantine-page.tsx';
import { hashOf, type Route, useRoute } from './route.ts';
import { type Session, SessionContext, useSession } from './session.ts';
import { SignIn } from './sign-in.tsx';
import { SitePage } from './site-page.tsx';
import { TermsPage } from './terms-page.tsx';
import { TreePage } from './tree-page.tsx';
import { useResource } from './use-resource.ts';

type SignedIn = 'unknown' | 'yes' | 'no';

export function App() {
  const [language, setLanguage] = useState<Language>(chosenLanguage);
  const [signedIn, setSignedIn] = useState<SignedIn>('unknown');
  const words = staffWords[language];

  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  useEffect(() => {
    ask('/api/v1/session', { language: chosenLanguage() }).then(
      () => setSignedIn('yes'),
      () => setSignedIn('no'),
    );
  }, []);

  const toggle = useCallback(() => {
    const other = language === 'en' ? 'zh-CN' : 'en';
    chooseLanguage(other);
    setLanguage(other);
  }, [language]);
  const signedOut = useCallback(() => setSignedIn('no'), []);
  const session = useMemo<Session>(
    () => ({ words, language, timeZone: undefined, signedOut }),
    [words, language, signedOut],
  );

  return (
    <SessionContext value={session}>
      {signedIn === 'no' && <SignIn signedIn={() => setSignedIn('yes')} toggle={toggle} />}
      {signedIn === 'yes' && <Pages toggle={toggle} />}
    </SessionContext>
  );
}

const tabs = ['site', 'tree', 'billing', 'cases', 'terms', 'delivery', 'anomalies'] as const;

function Pages({ toggle }: { toggle: () => void }) {
  const session = useSession();
  const { words, language, signedOut } = session;
  const route = useRoute();
  const health = useResource<Health>('/api/v1/health', 15);
  const timeZone = health.data?.timeZone;
  const atSite = useMemo<Session>(() => ({ ...session, timeZone }), [session, timeZone]);
  useKeys();
  const signOut = () => {
    ask('/api/v1/session', { language, method: 'DELETE' }).catch((error: unknown) => {
      if (!(error instanceof ProblemError)) throw error;
    });
    signedOut();
  };
  return (
    <SessionContext value={atSite}>
      <header className="bar">
        <a className="brand" href="#/">
          Meterline
          {health.data !== null && <span className="muted park">{health.data.parkName}</span>}
        </a>
        <nav aria-label="Meterline">
          {tabs.map((page) => (
            <a key={page} href={hashOf({ page })} aria-current={isIn(route, page) ? 'page' : undefined}>
              {words[page]}
            </a>
          ))}
        </nav>
        <span className="tools">
          <button type="button" className="button" lang={language === 'en' ? 'zh-CN' : 'en'} onClick={toggle}>
            {words.otherLanguage}
          </button>
          <button type="button" className="button" onClick={signOut}>
            {words.signOut}
          </button>
        </span>
      </header>
      <main>
        <Page route={route} health={health} />
      </main>
    </SessionContext>
  );
}

const isIn = (route: Route, tab: (typeof tabs)[number]): boolean =>
  route.page === tab || ((route.page === 'meter' || route.page === 'quarantine') && tab === 'site');

function Page({ route, health }: { route: Route; health: ReturnType<typeof useResource<Health>> }) {
  switch (route.page) {
    case 'site':
      return <SitePage health={health} />;
    case 'meter':
      return <MeterPage key={route.id} id={route.id} />;
    case 'tree':
      return <TreePage />;
    case 'billing':
      return <BillingPage period={route.period} />;
    case 'cases':
      return <CasesPage />;
    case 'terms':
      return <TermsPage />;
    case 'delivery':
      return <DeliveryPage />;
    case 'anomalies':
      return <AnomaliesPage />;
    case 'quarantine':
      return <QuarantinePage />;
  }
}
