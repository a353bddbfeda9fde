/** @jsxImportSource preact */
/** A meter that a scan found: where, what it is, what it is billed by; the other registers behind a fold. */
import type { EdgeMeter, ScannedMeter } from '../../protocols/edge-api.ts';
import type { EdgeWords } from '../words/edge.ts';
import { RegisterLabel, RegisterTable, RegisterValue } from './register-text.tsx';
import { hashOf } from './route.ts';
import { useSession } from './session.ts';

interface Props {
  bus: string;
  found: ScannedMeter;
  listed: readonly EdgeMeter[];
}

export const utilityText = (words: EdgeWords, utility: string): string =>
  ({
    electricity: words.electricity,
    water: words.water,
    heat: words.heat,
    gas: words.gas,
  })[utility] ?? utility;

export function FoundMeter({ bus, found, listed }: Props) {
  const { words } = useSession();
  const { unit, profile, model, serial, equals, readings } = found;
  const own = listed.find((meter) => meter.unit === unit);
  const billed = readings.filter(({ billing }) => billing);
  const others = readings.filter(({ billing }) => !billing);
  return (
    <>
      <div class="row">
        <h2>
          {words.unit} {unit}
        </h2>
        <span class={`mark ${own === undefined ? 'warn' : 'good'}`}>
          {own === undefined ? words.notListed : own.meter}
        </span>
      </div>
      {model === null ? (
        <p class="notice warn">{words.foundNothing}</p>
      ) : (
        <p>
          {model.make} {model.model} · {utilityText(words, model.utility)}
          {serial !== null && (
            <>
              {' '}
              · {words.serial} <span class="mono code">{serial}</span>
            </>
          )}
        </p>
      )}
      {own !== undefined && profile !== null && own.profile !== profile && !equals.includes(own.profile) && (
        <p class="notice warn">{words.listedOtherwise(own.profile)}</p>
      )}
      {billed.map((reading) => (
        <div key={reading.register} class="billed">
          <p class="muted">
            <RegisterLabel {...reading} />
          </p>
          <p class="shows">
            <RegisterValue {...reading} />
          </p>
        </div>
      ))}
      {equals.length > 0 && <p class="muted small">{words.fitsEqually(equals.join(', '))}</p>}
      {others.length > 0 && (
        <details>
          <summary>{words.moreRegisters(String(others.length))}</summary>
          <RegisterTable readings={others} />
        </details>
      )}
      {typeof unit === 'number' && (
        <a class="button" href={hashOf({ page: 'prove', at: { bus, unit, step: 'face' } })}>
          {words.proveThis}
        </a>
      )}
    </>
  );
}
