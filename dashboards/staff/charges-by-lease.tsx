/** Every charge of a period, under the lease that pays it; what nobody else pays is the landlord's. */
import { useEffect, useState } from 'react';
import type { Charge, Problem, StatementSummary } from '../../protocols/api.ts';
import { ask, ProblemError } from '../client.ts';
import { moneyText, quantityText, sumOf } from '../format.ts';
import type { Language } from '../language.ts';
import { billingWords } from '../words/billing.ts';
import type { StaffWords } from '../words/staff.ts';
import { CreditRequest } from './credit-request.tsx';
import { ProblemNotice } from './problem-notice.tsx';
import { ScrollTable } from './scroll-table.tsx';
import { useSession } from './session.ts';

interface ChargePage {
  items: Charge[];
  next: string;
  more: boolean;
}

/** Pulls the list page by page, as a billing service would. */
async function chargesOf(period: string, language: Language): Promise<Charge[]> {
  const charges: Charge[] = [];
  let since = '0';
  for (let more = true; more; ) {
    const page = await ask<ChargePage>(`/api/v1/charges?since=${since}&limit=1000`, { language });
    charges.push(...page.items.filter((charge) => charge.period === period));
    since = page.next;
    more = page.more;
  }
  return charges;
}

export function ChargesByLease({ period, statements }: { period: string; statements: StatementSummary[] }) {
  const { words, language } = useSession();
  const [charges, setCharges] = useState<Charge[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    chargesOf(period, language).then(setCharges, (error: unknown) => {
      if (error instanceof ProblemError) setProblem(error.problem);
    });
  }, [period, language]);

  const leases = [...Map.groupBy(charges ?? [], ({ lease }) => lease ?? '')].sort(([a], [b]) =>
    a === '' ? 1 : b === '' ? -1 : a < b ? -1 : 1,
  );
  return (
    <section>
      <h2>{words.charges}</h2>
      {problem !== null && <ProblemNotice problem={problem} />}
      {charges === null && problem === null && <div className="skeleton" />}
      {leases.map(([lease, own]) => (
        <details key={lease} className="lease">
          <summary>
            <span>
              {lease === '' ? words.landlord : statements.find((one) => one.lease === lease)?.tenant}{' '}
              <span className="muted">{lease}</span>
            </span>
            <span className="muted">{words.chargeCount(own.length)}</span>
            <strong className="number">
              {moneyText(
                sumOf(
                  own.map(({ gross }) => gross),
                  2,
                ),
              )}
            </strong>
          </summary>
          <ChargeTable charges={own} />
        </details>
      ))}
    </section>
  );
}

/** Shares that are no pool of the park: they have a name in each language instead. */
const ownWords = {
  own: 'own_use',
  vacancy: 'vacancy',
  'metering-difference': 'metering_difference',
  remainder: 'remainder',
} as const;
const hasOwnWord = (pool: string): pool is keyof typeof ownWords => Object.hasOwn(ownWords, pool);
const shareText = ({ pool, poolName }: Charge, words: StaffWords): string =>
  hasOwnWord(pool) ? words[ownWords[pool]] : poolName;

function ChargeTable({ charges }: { charges: Charge[] }) {
  const { words, language } = useSession();
  const billing = billingWords[language];
  return (
    <ScrollTable name={words.charges}>
      <thead>
        <tr>
          <th scope="col">{words.component}</th>
          <th scope="col">{words.share}</th>
          <th scope="col" className="number">
            {words.quantity}
          </th>
          <th scope="col" className="number">
            {words.net}
          </th>
          <th scope="col" className="number">
            {words.tax}
          </th>
          <th scope="col" className="number">
            {words.gross}
          </th>
          <th scope="col">{billing.credits}</th>
        </tr>
      </thead>
      <tbody>
        {charges.map((charge) => (
          <ChargeRow key={charge.key} charge={charge} />
        ))}
      </tbody>
    </ScrollTable>
  );
}

function ChargeRow({ charge }: { charge: Charge }) {
  const { words, language } = useSession();
  const billing = billingWords[language];
  const [asking, setAsking] = useState(false);
  const { kind, lease, gross } = charge;
  const creditable = lease !== null && (kind === 'charge' || kind === 'rebill') && /^[\d.]*[1-9]/.test(gross);
  return (
    <>
      <tr>
        <th scope="row">
          {words[charge.utility]} · {charge.name}{' '}
          {kind !== 'charge' && <span className="mark warn">{billing[`kind_${kind}`]}</span>}
        </th>
        <td className="share">{shareText(charge, words)}</td>
        <td className="number">{quantityText(charge.quantity, charge.unit)}</td>
        <td className="number">{moneyText(charge.net)}</td>
        <td className="number">{moneyText(charge.tax)}</td>
        <td className="number">{moneyText(charge.gross)}</td>
        <td>
          <div className="actions">
            {creditable && (
              <button
                type="button"
                className="button"
                aria-expanded={asking}
                aria-label={`${billing.credit} ${charge.name}`}
                onClick={() => setAsking(!asking)}
              >
                {billing.credit}
              </button>
            )}
          </div>
        </td>
      </tr>
      {asking && (
        <tr>
          <td colSpan={7}>
            <CreditRequest charge={charge} />
          </td>
        </tr>
      )}
    </>
  );
}
