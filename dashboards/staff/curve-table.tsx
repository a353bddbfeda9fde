/** The same curve as figures, with how each is known. */
import type { Curve } from '../../protocols/api.ts';
import { quantityText } from '../format.ts';
import { useInstantText, useSession } from './session.ts';

const tones = { actual: '', estimated: 'warn', edited: 'warn', missing: 'bad' } as const;

export function CurveTable({ curve }: { curve: Curve }) {
  const { words } = useSession();
  const instantText = useInstantText();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className="table scroll" tabIndex={0} aria-label={words.curve}>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.time}</th>
            <th scope="col" className="number">
              {words.consumption}
            </th>
            <th scope="col">{words.quality}</th>
            <th scope="col">{words.method}</th>
            <th scope="col">{words.reason}</th>
          </tr>
        </thead>
        <tbody>
          {curve.intervals.map((point) => (
            <tr key={point.start}>
              <td>{instantText(point.start)}</td>
              <td className="number">
                {point.quantity === null ? '—' : quantityText(point.quantity, curve.unit, 3)}
              </td>
              <td>
                <span className={`mark ${tones[point.quality]}`}>{words[point.quality]}</span>
              </td>
              <td className="mono">{point.method}</td>
              <td className="mono">{point.reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
