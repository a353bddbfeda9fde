/** Bills, outbox and ledger beside each other: the same to the cent, or every difference by its charge. */
import type { z } from 'zod';
import type { BooksReport, LedgerAccount, LedgerAlarm } from '../../protocols/billing-api.ts';
import { moneyText } from '../format.ts';
import { deliveryWords } from '../words/delivery.ts';
import { ResourceState } from './problem-notice.tsx';
import { ScrollTable } from './scroll-table.tsx';
import { useInstantText, useSession } from './session.ts';
import { useResource } from './use-resource.ts';

type Alarm = z.infer<typeof LedgerAlarm>;
type Account = z.infer<typeof LedgerAccount>;

export function BooksCheck() {
  const { language } = useSession();
  const words = deliveryWords[language];
  const books = useResource<BooksReport>('/api/v1/ledger/reconciliation');
  return (
    <section>
      <div className="controls">
        <h2>{words.reconciliation}</h2>
        <button type="button" className="button" disabled={books.loading} onClick={books.reload}>
          {words.compare}
        </button>
      </div>
      <ResourceState resource={books} />
      {books.data !== null && <Books report={books.data} />}
      <Alarms />
      <Accounts />
    </section>
  );
}

function Books({ report }: { report: BooksReport }) {
  const { language } = useSession();
  const words = deliveryWords[language];
  const { agrees, charges, bills, outbox, ledger, allAccounts, differences } = report;
  const figures: [string, string][] = [
    [words.bills, moneyText(bills)],
    [words.outbox, moneyText(outbox)],
    [words.ledger, moneyText(ledger)],
    [words.allAccounts, moneyText(allAccounts)],
    [words.chargeCount, String(charges)],
  ];
  return (
    <>
      <p className={`notice ${agrees ? 'good' : 'bad'}`} role="status" data-testid="books">
        {agrees
          ? `✓ ${words.agrees}`
          : `✕ ${differences.length === 0 ? words.unbalanced : words.disagrees(differences.length)}`}
      </p>
      <dl className="figures after">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {differences.length > 0 && (
        <ScrollTable name={words.reconciliation}>
          <tbody>
            {differences.map(({ key, kind, detail }) => (
              <tr key={`${key} ${kind}`}>
                <th scope="row" className="mono">
                  {key}
                </th>
                <td>
                  <span className="mark bad">{words[kind]}</span>
                </td>
                <td className="note">{detail}</td>
              </tr>
            ))}
          </tbody>
        </ScrollTable>
      )}
    </>
  );
}

function Alarms() {
  const { language } = useSession();
  const words = deliveryWords[language];
  const instantText = useInstantText();
  const alarms = useResource<{ items: Alarm[] }>('/api/v1/ledger/alarms', 60);
  return (
    <>
      <h3>{words.alarms}</h3>
      <ResourceState resource={alarms} />
      {alarms.data?.items.length === 0 && <p className="muted">{words.noAlarms}</p>}
      <ul className="anomalies">
        {alarms.data?.items.map(({ number, at, kind, detail }) => (
          <li key={number} className="notice bad">
            <span className="mark bad">{kind}</span> {detail} <span className="muted">{instantText(at)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Accounts() {
  const { language } = useSession();
  const words = deliveryWords[language];
  const accounts = useResource<{ items: Account[] }>('/api/v1/ledger/accounts');
  return (
    <details className="more">
      <summary>
        {words.accounts} <span className="muted">{accounts.data?.items.length}</span>
      </summary>
      <ResourceState resource={accounts} />
      <ScrollTable name={words.accounts} long>
        <thead>
          <tr>
            <th scope="col">{words.account}</th>
            <th scope="col" className="number">
              {words.balance}
            </th>
          </tr>
        </thead>
        <tbody>
          {accounts.data?.items.map(({ account, balance }) => (
            <tr key={account}>
              <th scope="row" className="mono">
                {account}
              </th>
              <td className="number">{moneyText(balance)}</td>
            </tr>
          ))}
        </tbody>
      </ScrollTable>
    </details>
  );
}
