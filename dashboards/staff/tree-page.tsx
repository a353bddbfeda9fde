/** The balanced tree as a treegrid: at every branch own = children + residual, signed, with its tolerance. */
import { useState } from 'react';
import type { Balance, BalanceNode } from '../../protocols/api.ts';
import { dateOf, dayStart, type SpanKind, spanAround, stepped } from '../charts/span.ts';
import { dayBefore, quantityText, scaled, signedText } from '../format.ts';
import { ResourceState } from './problem-notice.tsx';
import { hashOf } from './route.ts';
import { useInstantText, useSession } from './session.ts';
import { useResource } from './use-resource.ts';

const utilities = ['electricity', 'water'] as const;
const kinds: SpanKind[] = ['day', 'week', 'month'];

export function TreePage() {
  const { words, timeZone } = useSession();
  const health = useResource<{ at: string }>('/api/v1/health');
  if (health.data === null || timeZone === undefined) return <ResourceState resource={health} />;
  // The day before today is the last one that is whole.
  const yesterday = dayBefore(dateOf(health.data.at, timeZone));
  return (
    <>
      <h1>{words.tree}</h1>
      <Tree initialDay={yesterday} timeZone={timeZone} />
    </>
  );
}

function Tree({ initialDay, timeZone }: { initialDay: string; timeZone: string }) {
  const { words } = useSession();
  const [utility, setUtility] = useState<(typeof utilities)[number]>('electricity');
  const [kind, setKind] = useState<SpanKind>('month');
  const [day, setDay] = useState(initialDay);
  const span = spanAround(day, kind);
  const query = new URLSearchParams({
    utility,
    from: dayStart(span.from, timeZone),
    to: dayStart(span.to, timeZone),
  });
  const balance = useResource<Balance>(`/api/v1/tree?${query}`);
  const toggles = <T extends string>(
    all: readonly T[],
    chosen: T,
    choose: (one: T) => void,
    text: (one: T) => string,
  ) =>
    all.map((one) => (
      <button
        type="button"
        className="button"
        key={one}
        aria-pressed={one === chosen}
        onClick={() => choose(one)}
      >
        {text(one)}
      </button>
    ));
  return (
    <section>
      <div className="controls">
        {toggles(utilities, utility, setUtility, (one) => words[one])}
        <span className="divider" />
        {toggles(kinds, kind, setKind, (one) => words[one])}
        <button
          type="button"
          className="button"
          aria-label={words.previous}
          onClick={() => setDay(stepped(day, kind, -1))}
        >
          ‹
        </button>
        <strong>{kind === 'day' ? span.from : `${span.from} – ${dayBefore(span.to)}`}</strong>
        <button
          type="button"
          className="button"
          aria-label={words.next}
          onClick={() => setDay(stepped(day, kind, 1))}
        >
          ›
        </button>
      </div>
      <ResourceState resource={balance} />
      {balance.data !== null && <Balanced balance={balance.data} />}
    </section>
  );
}

function Balanced({ balance }: { balance: Balance }) {
  const { words } = useSession();
  const instantText = useInstantText();
  const { from, to, through, conserved } = balance;
  if (through === from) return <p className="notice">{words.noCurve}</p>;
  return (
    <>
      <p className={`notice ${conserved ? 'good' : 'warn'}`} data-testid="conserved">
        {conserved ? '✓ ' : '! '}
        {through !== to && <strong>{words.soFar(instantText(through))} · </strong>}
        {conserved ? words.conserved : words.notConserved}
      </p>
      <TreeGrid balance={balance} />
      {balance.nodes.some(hasEstimates) && (
        <p className="legend muted">
          <span aria-hidden="true">▨</span> {words.estimatedPart}
        </p>
      )}
    </>
  );
}

/** Less than is shown is none. */
const hasEstimates = ({ estimated }: BalanceNode): boolean => scaled(estimated, 2) !== 0n;

interface Placed {
  node: BalanceNode;
  level: number;
  hasChildren: boolean;
}

/** The nodes that show, depth first: those whose ancestors are all open. */
function placed(nodes: readonly BalanceNode[], closed: ReadonlySet<string>): Placed[] {
  const known = new Set(nodes.map(({ meter }) => meter));
  const below = Map.groupBy(nodes, ({ parent }) => (parent !== null && known.has(parent) ? parent : ''));
  const walk = (parent: string, level: number): Placed[] =>
    (below.get(parent) ?? []).flatMap((node) => [
      { node, level, hasChildren: below.has(node.meter) },
      ...(closed.has(node.meter) ? [] : walk(node.meter, level + 1)),
    ]);
  return walk('', 1);
}

function TreeGrid({ balance }: { balance: Balance }) {
  const { words } = useSession();
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const toggle = (meter: string) => {
    const next = new Set(closed);
    if (!next.delete(meter)) next.add(meter);
    setClosed(next);
  };
  return (
    <div className="table tree">
      {/* biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a treegrid is a table whose rows fold */}
      <table role="treegrid" aria-label={words.tree}>
        <thead>
          <tr>
            <th scope="col">{words.meter}</th>
            <th scope="col" className="number">
              {words.own}
            </th>
            <th scope="col" className="number wide">
              {words.children}
            </th>
            <th scope="col" className="number">
              {words.residual}
            </th>
            <th scope="col" className="wide">
              <span className="visually-hidden">{words.residual}</span>
            </th>
            <th scope="col" className="number wide">
              ± {words.tolerance}
            </th>
            <th scope="col">{words.verdict}</th>
          </tr>
        </thead>
        <tbody>
          {placed(balance.nodes, closed).map((one) => (
            <TreeRow
              key={one.node.meter}
              {...one}
              unit={balance.unit}
              open={!closed.has(one.node.meter)}
              toggle={() => toggle(one.node.meter)}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

const verdictMarks = {
  leaf: { letter: '', tone: '' },
  within: { letter: '✓', tone: 'good' },
  loss: { letter: 'L', tone: 'warn' },
  over_count: { letter: '!', tone: 'bad' },
} as const;

interface RowProps extends Placed {
  unit: string;
  open: boolean;
  toggle: () => void;
}

function TreeRow({ node, level, hasChildren, unit, open, toggle }: RowProps) {
  const { words } = useSession();
  const { letter, tone } = verdictMarks[node.verdict];
  const leaf = node.verdict === 'leaf';
  return (
    <tr
      aria-level={level}
      {...(hasChildren ? { 'aria-expanded': open } : {})}
      className={leaf ? '' : 'branch'}
    >
      <th scope="row">
        <span className={`indent level-${Math.min(level, 6)}`}>
          {hasChildren ? (
            <button
              type="button"
              className="fold"
              aria-label={node.meter}
              aria-expanded={open}
              onClick={toggle}
            >
              {open ? '▾' : '▸'}
            </button>
          ) : (
            <span className="fold" />
          )}
          <a data-row href={hashOf({ page: 'meter', id: node.meter })}>
            {node.meter}
          </a>{' '}
          <span className="muted name" title={node.name}>
            {node.name}
          </span>
        </span>
      </th>
      <td className="number">
        {hasEstimates(node) && (
          <span className="muted estimated">
            <span aria-hidden="true">▨</span>
            <span className="visually-hidden">{words.estimatedPart}</span>{' '}
            {quantityText(node.estimated, unit)}
          </span>
        )}
        {quantityText(node.quantity, unit)}
      </td>
      <td className="number wide">{leaf ? '' : quantityText(node.children, unit)}</td>
      <td className="number">{leaf ? '' : signedText(node.residual, unit)}</td>
      <td className="wide">{leaf ? '' : <ResidualBand node={node} />}</td>
      <td className="number wide">{leaf ? '' : quantityText(node.tolerance, unit)}</td>
      <td>
        {leaf ? (
          <span className="muted">{words.leaf}</span>
        ) : (
          <span className={`mark ${tone}`}>
            <span aria-hidden="true">{letter}</span> {words[node.verdict]}
          </span>
        )}
      </td>
    </tr>
  );
}

/** Where the residual lies against the tolerance: the band is what accuracy classes allow, the line is zero. */
function ResidualBand({ node }: { node: BalanceNode }) {
  const tolerance = Number(node.tolerance) || 1;
  const at = Math.max(-2, Math.min(2, Number(node.residual) / tolerance));
  return (
    <svg className={`band ${node.verdict}`} viewBox="0 0 80 16" aria-hidden="true">
      <rect className="outer" x="0" y="6" width="80" height="4" rx="2" />
      <rect className="allowed" x="20" y="4" width="40" height="8" rx="2" />
      <line className="zero" x1="40" x2="40" y1="1" y2="15" />
      <circle className="point" cx={40 + at * 18} cy="8" r="4" />
    </svg>
  );
}
