/** One tariff: its versions on a line of time, and of the chosen one the clock and the tiers. */
import { useState } from 'react';
import type { Tariff } from '../../protocols/park.ts';
import { termsWords } from '../words/terms.ts';
import { percentText } from './amount-text.ts';
import { useSession } from './session.ts';
import { TierSteps } from './tier-steps.tsx';
import { TouClock } from './tou-clock.tsx';
import { VersionTimeline } from './version-timeline.tsx';

export function TariffCard({ versions }: { versions: Tariff[] }) {
  const { words: staff, language } = useSession();
  const words = termsWords[language];
  const [chosen, setChosen] = useState(versions.at(-1)?.version ?? 1);
  const tariff = versions.find(({ version }) => version === chosen);
  if (tariff === undefined) return null;
  return (
    <article className="card">
      <h3>
        {staff[tariff.utility]} <code>{tariff.id}</code> <span className="mark">{words[tariff.kind]}</span>
      </h3>
      <VersionTimeline versions={versions} chosen={chosen} choose={setChosen} />
      <p className="muted">
        {tariff.kind === 'pass_through' ? words.passThroughDetail : words.tieredDetail}
        {tariff.kind === 'tiered' &&
          ` ${words[tariff.mode ?? 'graduated']} · ${words.taxRate(percentText(tariff.taxRate))}`}
      </p>
      {tariff.calendar !== undefined && <TouClock calendar={tariff.calendar} />}
      {tariff.kind === 'tiered' && <TierSteps tariff={tariff} />}
    </article>
  );
}
