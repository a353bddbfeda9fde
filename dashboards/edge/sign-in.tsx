/** @jsxImportSource preact */
import { useState } from 'preact/hooks';
import type { Problem } from '../../protocols/api.ts';
import { ask } from '../client.ts';
import { ProblemNotice } from './notices.tsx';
import { problemOf, useSession } from './session.ts';

export function SignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const { words, language } = useSession();
  const [password, setPassword] = useState('');
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);

  const signIn = (event: SubmitEvent) => {
    event.preventDefault();
    setSending(true);
    ask<void>('/api/v1/session', { language, method: 'POST', body: { password } })
      .then(onSignedIn, (error: unknown) => setProblem(problemOf(error)))
      .finally(() => setSending(false));
  };
  return (
    <main>
      <form class="card" onSubmit={signIn}>
        <label>
          {words.password}
          <input
            type="password"
            autocomplete="current-password"
            required
            value={password}
            onInput={({ currentTarget }) => setPassword(currentTarget.value)}
          />
        </label>
        {problem !== null && <ProblemNotice problem={problem} />}
        <button type="submit" class="button primary" disabled={sending}>
          {sending ? words.signingIn : words.signIn}
        </button>
      </form>
    </main>
  );
}
