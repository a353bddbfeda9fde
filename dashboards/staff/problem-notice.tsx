/** A refusal or fault: what it is, its likely cause and next step, and a code that can be copied. */
import type { Problem } from '../../protocols/api.ts';
import { useInstantText, useSession } from './session.ts';
import type { Resource } from './use-resource.ts';

export function ProblemNotice({ problem, retry }: { problem: Problem; retry?: () => void }) {
  const { words } = useSession();
  const unreachable = problem.code === 'unreachable';
  return (
    <div className="notice bad" role="alert">
      <strong>{unreachable ? words.unreachable : problem.title}</strong>
      {problem.detail !== '' && <p>{problem.detail}</p>}
      <p className="muted">
        {words.problemCode} <code>{problem.code}</code>
      </p>
      {retry !== undefined && (
        <button type="button" className="button" onClick={retry}>
          {words.retry}
        </button>
      )}
    </div>
  );
}

/** The states of a resource that is not simply there: loading, in error, or old. */
export function ResourceState({ resource }: { resource: Resource<unknown> }) {
  const { words } = useSession();
  const instantText = useInstantText();
  if (resource.problem !== null && resource.data !== null && resource.loadedAt !== null)
    return (
      <p className="notice warn" role="status">
        {words.staleSince(instantText(resource.loadedAt))}
      </p>
    );
  if (resource.problem !== null) return <ProblemNotice problem={resource.problem} retry={resource.reload} />;
  if (resource.data === null)
    return (
      <div aria-busy="true">
        <p className="muted">{words.loading}</p>
        <div className="skeleton" />
        <div className="skeleton" />
        <div className="skeleton" />
      </div>
    );
  return null;
}
