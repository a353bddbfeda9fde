/** @jsxImportSource preact */
/** The tenant contests one line: that line is held until somebody decides, the rest of the statement is due. */
import { useEffect, useState } from 'preact/hooks';
import type { Dispute } from '../../protocols/billing-api.ts';
import type { Statement } from '../../protocols/statement.ts';
import { ask, ProblemError } from '../client.ts';
import { moneyText } from '../format.ts';
import type { Language } from '../language.ts';
import type { TenantWords } from '../words/tenant.ts';

interface Props {
  words: TenantWords;
  language: Language;
  api: string;
  statement: Statement;
}

export function Disputes({ words, language, api, statement }: Props) {
  const [list, setList] = useState<Dispute[]>([]);
  const [line, setLine] = useState('');
  const [reason, setReason] = useState('');
  const [sending, setSending] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the language is only that of refusals
  useEffect(() => {
    // Without the list the page still shows the statement; opening a case says whatever is wrong.
    ask<{ items: Dispute[] }>(`${api}/disputes`, { language }).then(
      ({ items }) => setList(items),
      () => undefined,
    );
  }, [api]);

  const open = () => {
    setSending(true);
    setRefused(null);
    ask<Dispute>(`${api}/disputes`, { language, method: 'POST', body: { line, reason } })
      .then(
        (dispute) => {
          setList([dispute, ...list]);
          setLine('');
          setReason('');
        },
        (error: unknown) =>
          setRefused(
            error instanceof ProblemError && error.problem.title !== ''
              ? error.problem.title
              : words.unreachable,
          ),
      )
      .finally(() => setSending(false));
  };
  const nameOf = (id: string): string => {
    const found = statement.lines.find((one) => one.id === id);
    return found === undefined ? id : `${found.name} · ${found.pool === 'own' ? words.own : found.poolName}`;
  };
  const states = {
    open: words.disputeOpen,
    credited: words.disputeCredited,
    rejected: words.disputeRejected,
  };
  return (
    <section class="disputes">
      {list.length > 0 && (
        <ul>
          {list.map((dispute) => (
            <li key={dispute.id}>
              <strong>{states[dispute.state]}</strong> {nameOf(dispute.line)} · {moneyText(dispute.gross)}
              <p class="muted">{dispute.reason}</p>
              {dispute.decision !== null && <p>{dispute.decision.reason}</p>}
            </li>
          ))}
        </ul>
      )}
      <details>
        <summary>{words.dispute}</summary>
        <p class="muted">{words.disputeDetail}</p>
        <label>
          {words.disputeLine}
          <select value={line} onChange={({ currentTarget }) => setLine(currentTarget.value)}>
            <option value="" />
            {statement.lines.map(({ id, gross }) => (
              <option key={id} value={id}>
                {nameOf(id)} · {moneyText(gross)}
              </option>
            ))}
          </select>
        </label>
        <label>
          {words.disputeReason}
          <textarea
            rows={3}
            maxLength={1000}
            value={reason}
            onInput={({ currentTarget }) => setReason(currentTarget.value)}
          />
        </label>
        {refused !== null && (
          <p class="notice bad" role="alert">
            {refused}
          </p>
        )}
        <button
          type="button"
          class="button"
          disabled={sending || line === '' || reason.trim() === ''}
          onClick={open}
        >
          {sending ? words.confirming : words.disputeSend}
        </button>
      </details>
    </section>
  );
}
