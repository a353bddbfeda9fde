/** One sharing rule: its versions, the chosen one's formulas with their parts, where it is used, and who signed it. */
import { useState } from 'react';
import type { BillingTermsView } from '../../protocols/billing-api.ts';
import type { SharingRule } from '../../protocols/sharing.ts';
import { termsWords } from '../words/terms.ts';
import { FormulaBlocks } from './formula-blocks.tsx';
import { useSession } from './session.ts';
import { VersionTimeline } from './version-timeline.tsx';

export function RuleCard({ versions, terms }: { versions: SharingRule[]; terms: BillingTermsView }) {
  const { language } = useSession();
  const words = termsWords[language];
  const [chosen, setChosen] = useState(versions.at(-1)?.version ?? 1);
  const rule = versions.find(({ version }) => version === chosen);
  if (rule === undefined) return null;
  const { method, leaseCap, fallback, constants = [] } = rule;
  return (
    <article className="card">
      <h3>
        {rule.text} <code>{rule.id}</code>
      </h3>
      <VersionTimeline versions={versions} chosen={chosen} choose={setChosen} />
      {method.kind === 'weights' ? (
        <FormulaBlocks title={words.weights} text={method.weight} />
      ) : (
        <FormulaBlocks title={words.quantityRule} text={method.quantity} />
      )}
      {method.kind === 'weights' && method.factor !== undefined && (
        <FormulaBlocks title={words.factor} text={method.factor} />
      )}
      {leaseCap !== undefined && <FormulaBlocks title={words.cap} text={leaseCap} />}
      {fallback !== undefined && <FormulaBlocks title={words.fallback} text={fallback.weight} />}
      <dl className="facts">
        {constants.length > 0 && (
          <div>
            <dt>{words.constants}</dt>
            <dd>{constants.map(({ name, value, unit }) => `${name} = ${value} ${unit}`).join(' · ')}</dd>
          </div>
        )}
        <UsedBy rule={rule} terms={terms} />
        <Signed rule={rule} terms={terms} />
      </dl>
    </article>
  );
}

interface Of {
  rule: SharingRule;
  terms: BillingTermsView;
}

function UsedBy({ rule, terms }: Of) {
  const { language } = useSession();
  const words = termsWords[language];
  return (
    <div>
      <dt>{words.usedBy}</dt>
      <dd>
        {terms.pools
          .filter((pool) => pool.rule.id === rule.id)
          .map(({ id, name, sharing }) => (
            <span key={id} className="part">
              {name} <span className="mark">{words[`sharing_${sharing}`]}</span>
            </span>
          ))}
      </dd>
    </div>
  );
}

function Signed({ rule, terms }: Of) {
  const { language } = useSession();
  const words = termsWords[language];
  const negotiated = terms.pools.some((pool) => pool.rule.id === rule.id && pool.sharing === 'negotiated');
  const own = terms.signatures.filter((one) => one.rule === rule.id && one.version === rule.version);
  return (
    <div>
      <dt>{words.signedBy}</dt>
      <dd>
        {own.length === 0 && (
          <span className="muted">{negotiated ? words.nobodySigned : words.notNeeded}</span>
        )}
        {own.map(({ lease, tenant, on }) => (
          <span key={lease} className="part">
            ✓ {tenant} <span className="muted">{`${lease} · ${on}`}</span>
          </span>
        ))}
      </dd>
    </div>
  );
}
