/** Corrections of an issued period: what would change, line by line, before anything does; then the reversal and rebill. */
import { useState } from 'react';
import type { PeriodCorrection } from '../../protocols/billing-api.ts';
import { moneyText, sumOf } from '../format.ts';
import { billingWords } from '../words/billing.ts';
import { negated, signedMoneyText } from './amount-text.ts';
import type { PeriodPart } from './billing-page.tsx';
import { Field } from './period-actions.tsx';
import { ProblemNotice } from './problem-notice.tsx';
import { ScrollTable } from './scroll-table.tsx';
import { useSession } from './session.ts';
import { useCommand } from './use-command.ts';

export function PeriodCorrections(part: PeriodPart) {
  const { status } = part;
  const { language } = useSession();
  const words = billingWords[language];
  return (
    <section>
      <h2>{words.corrections}</h2>
      {status.lateMeters.length > 0 && (
        <p className="notice warn">{words.lateData(status.lateMeters.join(', '))}</p>
      )}
      {status.state === 'closed' ? (
        <p className="muted">{words.closedCorrection}</p>
      ) : (
        <CorrectionForm {...part} />
      )}
    </section>
  );
}

type Basis = 'issued' | 'current';

function CorrectionForm({ period, taken }: PeriodPart) {
  const { language } = useSession();
  const words = billingWords[language];
  const command = useCommand();
  const [cause, setCause] = useState('');
  const [basis, setBasis] = useState<Basis>('issued');
  const [seen, setSeen] = useState<PeriodCorrection | null>(null);
  const correct = async (dryRun: boolean) => {
    const body = { cause: cause.trim(), basis, dryRun };
    const done = await command.send<PeriodCorrection>(`/api/v1/billing-runs/${period}/corrections`, body);
    setSeen(done);
    if (done?.issued) taken();
  };
  const ready = cause.trim() !== '' && !command.busy;
  // What is issued is what was looked at: another cause or basis asks to look again.
  const changed = <T,>(set: (value: T) => void) => {
    return (value: T) => {
      set(value);
      setSeen(null);
      command.clear();
    };
  };
  return (
    <>
      <p className="muted">{words.correctionDetail}</p>
      <Field name={words.cause} value={cause} change={changed(setCause)} />
      <div className="controls">
        <label className="field">
          {words.basis}
          <select
            value={basis}
            onChange={({ target }) => changed(setBasis)(target.value === 'current' ? 'current' : 'issued')}
          >
            <option value="issued">{words.basisIssued}</option>
            <option value="current">{words.basisCurrent}</option>
          </select>
        </label>
        <button type="button" className="button" disabled={!ready} onClick={() => void correct(true)}>
          {words.preview}
        </button>
        {seen !== null && !seen.issued && (
          <button
            type="button"
            className="button primary"
            disabled={!ready}
            onClick={() => void correct(false)}
          >
            {words.issueCorrection}
          </button>
        )}
      </div>
      {command.problem?.code === 'nothing_to_correct' ? (
        <p className="notice good" role="status">
          {words.nothingChanges}
        </p>
      ) : (
        command.problem !== null && <ProblemNotice problem={command.problem} />
      )}
      {seen !== null && <CorrectionLines correction={seen} />}
    </>
  );
}

const grossOf = ({ net, tax }: { net: string; tax: string }): string => sumOf([net, tax], 2);

/** Every line that differs, with its lease; at the end what all of them come to together. */
export function CorrectionLines({ correction }: { correction: PeriodCorrection }) {
  const { words: staff, language } = useSession();
  const words = billingWords[language];
  const rows = correction.lines.map((line) => {
    const [before, after] = [grossOf(line.before), grossOf(line.after)];
    return { ...line, before, after, difference: sumOf([after, negated(before)], 2) };
  });
  const total = sumOf(
    rows.map(({ difference }) => difference),
    2,
  );
  return (
    <>
      {correction.issued && (
        <p className="notice good" role="status">
          ✓ {words.correctionIssued(correction.statements.length)}
        </p>
      )}
      <ScrollTable name={words.difference}>
        <thead>
          <tr>
            <th scope="col">{staff.lease}</th>
            <th scope="col">{staff.component}</th>
            <th scope="col" className="number">
              {words.before_issue}
            </th>
            <th scope="col" className="number">
              {words.after_issue}
            </th>
            <th scope="col" className="number">
              {words.difference}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ lease, utility, component, pool, before, after, difference }) => (
            <tr key={`${lease} ${utility} ${component} ${pool}`}>
              <th scope="row">{lease ?? staff.landlord}</th>
              <td>
                {staff[utility]} · {component} <span className="muted">{pool}</span>
              </td>
              <td className="number">{moneyText(before)}</td>
              <td className="number">{moneyText(after)}</td>
              <td className="number">{signedMoneyText(difference)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row" colSpan={4}>
              {words.correctionSum}
            </th>
            <td className="number">{signedMoneyText(total)}</td>
          </tr>
        </tfoot>
      </ScrollTable>
    </>
  );
}
