/** The supplier's bills by component: what the tenants' charges have to add up to. */
import type { SourceBill } from '../../protocols/park.ts';
import { moneyText, quantityText, sumOf } from '../format.ts';
import { termsWords } from '../words/terms.ts';
import { ScrollTable } from './scroll-table.tsx';
import { useSession } from './session.ts';

export function SourceBills({ bills }: { bills: SourceBill[] }) {
  const { language } = useSession();
  const words = termsWords[language];
  const newest = bills.toSorted((one, other) => (one.period < other.period ? 1 : -1));
  return (
    <section>
      <h2>{words.bills}</h2>
      {bills.length === 0 && <p className="notice">{words.noBills}</p>}
      {newest.map((bill) => (
        <Bill key={bill.id} bill={bill} />
      ))}
    </section>
  );
}

function Bill({ bill }: { bill: SourceBill }) {
  const { words: staff, language } = useSession();
  const words = termsWords[language];
  const unit = bill.utility === 'water' ? 'm3' : 'kWh';
  const total = sumOf(
    bill.lines.flatMap(({ net, tax }) => [net, tax]),
    2,
  );
  return (
    <details className="lease">
      <summary>
        <span>
          {bill.period} {staff[bill.utility]} <span className="muted">{bill.supplier}</span>
        </span>
        <span className="muted">{quantityText(bill.quantity, unit)}</span>
        <strong className="number">{moneyText(total)}</strong>
      </summary>
      <ScrollTable name={words.bills}>
        <thead>
          <tr>
            <th scope="col">{staff.component}</th>
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
          </tr>
        </thead>
        <tbody>
          {bill.lines.map(({ component, name, quantity, net, tax }) => (
            <tr key={component}>
              <th scope="row">{name}</th>
              <td className="number">{quantity === null ? '—' : quantityText(quantity, unit)}</td>
              <td className="number">{moneyText(sumOf([net], 2))}</td>
              <td className="number">{moneyText(sumOf([tax], 2))}</td>
              <td className="number">{moneyText(sumOf([net, tax], 2))}</td>
            </tr>
          ))}
        </tbody>
      </ScrollTable>
    </details>
  );
}
