/** Tiers as steps: the price over the quantity, the last one without an end; or a table. */
import { useState } from 'react';
import type { Tariff } from '../../protocols/park.ts';
import { moneyText, quantityText } from '../format.ts';
import { termsWords } from '../words/terms.ts';
import { ScrollTable } from './scroll-table.tsx';
import { useSession } from './session.ts';

type Tiered = Extract<Tariff, { kind: 'tiered' }>;

const WIDTH = 360;
const HEIGHT = 160;
const LEFT = 24;
const BOTTOM = 28;
const TOP = 22;
/** How far the last tier is drawn beyond its lower bound, of what lies below it. */
const BEYOND = 0.35;

export function TierSteps({ tariff }: { tariff: Tiered }) {
  const { language } = useSession();
  const words = termsWords[language];
  const [table, setTable] = useState(false);
  const unit = tariff.utility === 'water' ? 'm3' : 'kWh';
  return (
    <>
      <div className="controls">
        <h4>{words.tiers}</h4>
        <button type="button" className="button" aria-pressed={table} onClick={() => setTable(!table)}>
          {table ? words.asChart : words.asTable}
        </button>
      </div>
      {table ? <TierTable tariff={tariff} unit={unit} /> : <TierChart tariff={tariff} unit={unit} />}
    </>
  );
}

const plain = (bound: string, unit: string): string => quantityText(bound, unit, 0);
const priceText = (price: string, unit: string): string =>
  `${moneyText(price)}/${unit === 'm3' ? 'm³' : unit}`;

function TierChart({ tariff, unit }: { tariff: Tiered; unit: string }) {
  const { language } = useSession();
  const words = termsWords[language];
  const { tiers } = tariff;
  const bounds = tiers.flatMap(({ upTo }) => (upTo === null ? [] : [Number(upTo)]));
  const end = Math.max(1, ...bounds) * (1 + BEYOND);
  const highest = Math.max(...tiers.map((tier) => Number(tier.unit)));
  const x = (quantity: number): number => LEFT + ((WIDTH - LEFT) * quantity) / end;
  const y = (price: number): number => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * price) / (highest || 1);
  const steps = tiers.map((tier, index) => ({
    ...tier,
    from: index === 0 ? 0 : (bounds[index - 1] ?? 0),
    to: tier.upTo === null ? end : Number(tier.upTo),
  }));
  return (
    <svg className="tier-steps" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={words.tierChart}>
      <line className="axis" x1={LEFT} x2={WIDTH} y1={HEIGHT - BOTTOM} y2={HEIGHT - BOTTOM} />
      {steps.map(({ from, to, unit: price, upTo }) => (
        <g key={from}>
          <rect
            className="step"
            x={x(from)}
            y={y(Number(price))}
            width={x(to) - x(from) - 1}
            height={HEIGHT - BOTTOM - y(Number(price))}
          />
          <text className="price" x={x(from) + 6} y={y(Number(price)) - 6}>
            {priceText(price, unit)}
          </text>
          {upTo !== null && (
            <text className="bound" x={x(to)} y={HEIGHT - 8} textAnchor="middle">
              {plain(upTo, unit)}
            </text>
          )}
        </g>
      ))}
      <text className="bound" x={LEFT} y={HEIGHT - 8} textAnchor="middle">
        {plain('0', unit)}
      </text>
    </svg>
  );
}

function TierTable({ tariff, unit }: { tariff: Tiered; unit: string }) {
  const { language } = useSession();
  const words = termsWords[language];
  return (
    <ScrollTable name={words.tiers}>
      <thead>
        <tr>
          <th scope="col">{words.tiers}</th>
          <th scope="col">{words.quantity}</th>
          <th scope="col" className="number">
            {words.price}
          </th>
          <th scope="col" className="number">
            {words.flat}
          </th>
        </tr>
      </thead>
      <tbody>
        {tariff.tiers.map(({ upTo, unit: price, flat }, index) => {
          const from = index === 0 ? '0' : (tariff.tiers[index - 1]?.upTo ?? '0');
          return (
            <tr key={from}>
              <th scope="row">{words.tier(index + 1)}</th>
              <td>
                {upTo === null
                  ? words.above(plain(from, unit))
                  : words.upTo(plain(from, unit), plain(upTo, unit))}
              </td>
              <td className="number">{priceText(price, unit)}</td>
              <td className="number">{moneyText(flat)}</td>
            </tr>
          );
        })}
      </tbody>
    </ScrollTable>
  );
}
