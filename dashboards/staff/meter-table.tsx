/** Every meter in a row: how fresh, its last reading, what the day has used, where it stands. */
import { useState } from 'react';
import type { MeterSummary } from '../../protocols/api.ts';
import { quantityText } from '../format.ts';
import type { StaffWords } from '../words/staff.ts';
import { hashOf } from './route.ts';
import { useInstantText, useSession } from './session.ts';

/** A letter with the colour, for whoever does not see the colour. */
export const freshnessMarks = {
  fresh: { letter: '●', tone: 'good' },
  late: { letter: '◐', tone: 'warn' },
  silent: { letter: '○', tone: 'bad' },
  never: { letter: '–', tone: 'bad' },
} as const;

export function servesText(serves: string, words: StaffWords): string {
  const [kind = '', id] = serves.split(':', 2);
  const known = { branch: words.branch, landlord: words.landlord, unit: words.unit, pool: words.pool };
  const name = Object.hasOwn(known, kind) ? known[kind as keyof typeof known] : kind;
  return id === undefined ? name : `${name} ${id}`;
}

const matches = (meter: MeterSummary, filter: string): boolean =>
  [meter.id, meter.name, meter.serial, meter.building, meter.floor, meter.room, meter.parent, meter.serves]
    .join(' ')
    .toLowerCase()
    .includes(filter.trim().toLowerCase());

export function MeterTable({ meters, stale }: { meters: MeterSummary[]; stale: boolean }) {
  const { words } = useSession();
  const [filter, setFilter] = useState('');
  const [onlyOverdue, setOnlyOverdue] = useState(false);
  if (meters.length === 0) return <p className="notice">{words.emptyPark}</p>;
  const shown = meters.filter(
    (meter) => matches(meter, filter) && (!onlyOverdue || meter.freshness !== 'fresh'),
  );
  return (
    <section>
      <div className="controls">
        <h2>{words.meters}</h2>
        <input
          type="search"
          placeholder={words.filter}
          aria-label={words.filter}
          value={filter}
          onChange={({ target }) => setFilter(target.value)}
        />
        <button
          type="button"
          className="button"
          aria-pressed={onlyOverdue}
          onClick={() => setOnlyOverdue(!onlyOverdue)}
        >
          {words.onlyOverdue}
        </button>
        <span className="muted">{words.shown(shown.length, meters.length)}</span>
      </div>
      <div className={stale ? 'table dimmed' : 'table'}>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.meter}</th>
              <th scope="col">{words.freshness}</th>
              <th scope="col" className="number">
                {words.lastValue}
              </th>
              <th scope="col" className="wide">
                {words.lastRead}
              </th>
              <th scope="col" className="number">
                {words.dayQuantity}
              </th>
              <th scope="col" className="number wide">
                {words.multiplier}
              </th>
              <th scope="col" className="wide">
                {words.parent}
              </th>
              <th scope="col" className="wide">
                {words.serves}
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((meter) => (
              <MeterRow key={meter.id} meter={meter} />
            ))}
          </tbody>
        </table>
        {shown.length === 0 && <p className="muted empty">{words.noMeters}</p>}
      </div>
    </section>
  );
}

function MeterRow({ meter }: { meter: MeterSummary }) {
  const { words } = useSession();
  const instantText = useInstantText();
  const { letter, tone } = freshnessMarks[meter.freshness];
  const old = meter.freshness === 'fresh' ? '' : 'stale';
  return (
    <tr>
      <th scope="row">
        <a data-row href={hashOf({ page: 'meter', id: meter.id })}>
          {meter.id}
        </a>{' '}
        <span className="muted">{meter.name}</span>
      </th>
      <td>
        <span className={`mark ${tone}`}>
          <span aria-hidden="true">{letter}</span> {words[meter.freshness]}
        </span>
      </td>
      <td className={`number mono ${old}`}>
        {meter.lastValue === null ? '—' : quantityText(meter.lastValue, meter.unit)}
      </td>
      <td className={`wide ${old}`}>{meter.lastReadAt === null ? '—' : instantText(meter.lastReadAt)}</td>
      <td className="number">
        {meter.dayQuantity === null ? '—' : quantityText(meter.dayQuantity, meter.unit)}
      </td>
      <td className="number wide">× {meter.multiplier}</td>
      <td className="wide">
        {meter.parent === null ? (
          '—'
        ) : (
          <a href={hashOf({ page: 'meter', id: meter.parent })}>{meter.parent}</a>
        )}
      </td>
      <td className="wide">{servesText(meter.serves, words)}</td>
    </tr>
  );
}
