/** The statements of a period: what each tenant owes, whether it is confirmed, and the way to it as a link and a QR code. */
import { useState } from 'react';
import { renderSVG } from 'uqr';
import type { StatementSummary } from '../../protocols/api.ts';
import type { Dispute } from '../../protocols/billing-api.ts';
import { dayBefore, moneyText } from '../format.ts';
import { billingWords } from '../words/billing.ts';
import { ResourceState } from './problem-notice.tsx';
import { hashOf } from './route.ts';
import { ScrollTable } from './scroll-table.tsx';
import { useInstantText, useSession } from './session.ts';
import { type Resource, useResource } from './use-resource.ts';

export function StatementList({ statements }: { statements: Resource<{ items: StatementSummary[] }> }) {
  const { words } = useSession();
  const disputes = useResource<{ items: Dispute[] }>('/api/v1/disputes');
  const held = new Set(
    disputes.data?.items.flatMap(({ state, statement }) => (state === 'open' ? [statement] : [])),
  );
  return (
    <section>
      <h2>{words.statements}</h2>
      <ResourceState resource={statements} />
      {statements.data !== null && (
        <ScrollTable name={words.statements}>
          <thead>
            <tr>
              <th scope="col">{words.tenant}</th>
              <th scope="col" className="wide">
                {words.days}
              </th>
              <th scope="col" className="number">
                {words.gross}
              </th>
              <th scope="col">{words.state}</th>
              <th scope="col">{words.openLink}</th>
            </tr>
          </thead>
          <tbody>
            {statements.data.items.map((statement) => (
              <StatementRow key={statement.id} statement={statement} disputed={held.has(statement.id)} />
            ))}
          </tbody>
        </ScrollTable>
      )}
    </section>
  );
}

interface StatementProps {
  statement: StatementSummary;
  /** A line of it is contested, and nobody has decided yet. */
  disputed: boolean;
}

/** Issued, confirmed, disputed, or replaced by a corrected one. */
function StatementState({ statement: { confirmedAt, correctedBy }, disputed }: StatementProps) {
  const { words: staff, language } = useSession();
  const words = billingWords[language];
  const instantText = useInstantText();
  if (correctedBy !== null)
    return (
      <span className="mark warn">
        {words.status_replaced} → {correctedBy}
      </span>
    );
  return (
    <>
      {confirmedAt === null ? (
        <span className="mark">{words.status_issued}</span>
      ) : (
        <span className="mark good">✓ {staff.confirmed(instantText(confirmedAt))}</span>
      )}{' '}
      {disputed && (
        <a className="mark bad" href={hashOf({ page: 'cases' })}>
          ! {words.status_disputed}
        </a>
      )}
    </>
  );
}

function StatementRow({ statement, disputed }: StatementProps) {
  const { words } = useSession();
  const [shown, setShown] = useState(false);
  const { id, lease, tenant, from, to, gross, link } = statement;
  return (
    <>
      <tr>
        <th scope="row">
          {tenant} <span className="muted">{lease}</span>
        </th>
        <td className="wide">
          {from} – {dayBefore(to)}
        </td>
        <td className="number">{moneyText(gross)}</td>
        <td>
          <StatementState statement={statement} disputed={disputed} />
        </td>
        <td>
          <div className="actions">
            {link !== null && (
              <>
                <a className="button" data-row href={link} target="_blank" rel="noreferrer">
                  {words.openLink}
                </a>
                <button
                  type="button"
                  className="button"
                  aria-expanded={shown}
                  onClick={() => setShown(!shown)}
                >
                  {words.qr}
                </button>
              </>
            )}
            <a className="button" href={`/api/v1/statements/${id}/pdf`}>
              PDF
            </a>
            <a className="button" href={`/api/v1/statements/${id}`} download={`${id}.json`}>
              {words.file}
            </a>
          </div>
        </td>
      </tr>
      {shown && link !== null && (
        <tr>
          <td colSpan={5}>
            <QrCode text={new URL(link, location.href).href} name={words.qrOf(tenant)} />
          </td>
        </tr>
      )}
    </>
  );
}

/** Dark on light whatever the theme: scanners expect it. */
function QrCode({ text, name }: { text: string; name: string }) {
  const svg = renderSVG(text, { ecc: 'M', border: 4 });
  return (
    <figure className="qr">
      <img src={`data:image/svg+xml,${encodeURIComponent(svg)}`} alt={name} width={180} height={180} />
      <figcaption className="mono">{text}</figcaption>
    </figure>
  );
}
