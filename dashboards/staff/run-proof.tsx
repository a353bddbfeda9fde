/** The proof of conservation: what the supplier bills is what tenants and landlord bear, in sum and component by component. */
import type { BillingRun } from '../../protocols/api.ts';
import { moneyText } from '../format.ts';
import { ScrollTable } from './scroll-table.tsx';
import { useSession } from './session.ts';

export function Equations({ run }: { run: BillingRun }) {
  const { words } = useSession();
  return (
    <ul className="equations">
      {run.utilities.map(({ utility, source, tenants, landlord, conserved }) => (
        <li key={utility} className={`notice ${conserved ? 'good' : 'bad'}`}>
          <Amount name={`${words[utility]} · ${words.supplierBill}`} value={source} />
          <span className="sign">=</span>
          <Amount name={words.tenants} value={tenants} />
          <span className="sign">+</span>
          <Amount name={words.landlordShare} value={landlord} />
          <Verdict holds={conserved} />
        </li>
      ))}
    </ul>
  );
}

function Verdict({ holds }: { holds: boolean }) {
  const { words } = useSession();
  return (
    <span className={`mark ${holds ? 'good' : 'bad'}`}>
      {holds ? `✓ ${words.holds}` : `✕ ${words.fails}`}
    </span>
  );
}

function Amount({ name, value }: { name: string; value: string }) {
  return (
    <span className="amount">
      <span className="muted">{name}</span>
      <strong>{moneyText(value)}</strong>
    </span>
  );
}

export function Proof({ run }: { run: BillingRun }) {
  const { words } = useSession();
  return (
    <>
      <h3>{words.proof}</h3>
      <ScrollTable name={words.proof}>
        <thead>
          <tr>
            <th scope="col">{words.component}</th>
            <th scope="col" className="number">
              {words.supplierBill}
            </th>
            <th scope="col" className="number">
              {words.tenants}
            </th>
            <th scope="col" className="number">
              {words.landlordShare}
            </th>
            <th scope="col">{words.verdict}</th>
          </tr>
        </thead>
        <tbody>
          {run.proof.map(({ utility, component, name, source, tenants, landlord, holds }) => (
            <tr key={`${utility} ${component}`}>
              <th scope="row">
                {words[utility]} · {name}
              </th>
              <td className="number">{moneyText(source)}</td>
              <td className="number">{moneyText(tenants)}</td>
              <td className="number">{moneyText(landlord)}</td>
              <td>
                <Verdict holds={holds} />
              </td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{words.ledgerTotal}</th>
            <td className="number">{moneyText(run.ledgerTotal)}</td>
            <td colSpan={3} />
          </tr>
        </tfoot>
      </ScrollTable>
    </>
  );
}
