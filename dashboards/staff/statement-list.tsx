/** The statements of a period: what each tenant owes, whether it is confirmed, and the way to it as a link and a QR code. */
import { useState } from 'react';
import { renderSVG } from 'uqr';
import type { StatementSummary } from '../../protocols/api.ts';
import { dayBefore, moneyText } from '../format.ts';
import { ResourceState } from './problem-notice.tsx';
import { useInstantText, useSession } from './session.ts';
import type { Resource } from './use-resource.ts';

export function StatementList({ statements }: { statements: Resource<{ items: StatementSummary[] }> }) {
  const { words } = useSession();
  return (
    <section>
      <h2>{words.statements}</h2>
      <ResourceState resource={statements} />
      {statements.data !== null && (
        <div className="table">
          <table>
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
                <StatementRow key={statement.id} statement={statement} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function StatementRow({ statement }: { statement: StatementSummary }) {
  const { words } = useSession();
  const instantText = useInstantText();
  const [shown, setShown] = useState(false);
  const { id, lease, tenant, from, to, gross, confirmedAt, link } = statement;
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
          <span className={`mark ${confirmedAt === null ? '' : 'good'}`}>
            {confirmedAt === null ? words.unconfirmed : `✓ ${words.confirmed(instantText(confirmedAt))}`}
          </span>
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
