/** The one page that anybody may open. */
import { type FormEvent, useState } from 'react';
import type { Problem } from '../../protocols/api.ts';
import { ask, ProblemError } from '../client.ts';
import { ProblemNotice } from './problem-notice.tsx';
import { useSession } from './session.ts';

export function SignIn({ signedIn, toggle }: { signedIn: () => void; toggle: () => void }) {
  const { words, language } = useSession();
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    ask('/api/v1/session', { language, method: 'POST', body: { password } })
      .then(signedIn, (error: unknown) => {
        if (error instanceof ProblemError) setProblem(error.problem);
      })
      .finally(() => setBusy(false));
  };
  return (
    <main className="sign-in">
      <form onSubmit={submit}>
        <h1>Meterline</h1>
        {/* Password managers look for a name beside the password. */}
        <input
          className="visually-hidden"
          name="username"
          autoComplete="username"
          value="operator"
          readOnly
          tabIndex={-1}
          aria-hidden="true"
        />
        <label>
          {words.password}
          <input
            type="password"
            name="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={({ target }) => setPassword(target.value)}
          />
        </label>
        {problem !== null && <ProblemNotice problem={problem} />}
        <button type="submit" className="button primary" disabled={busy}>
          {busy ? words.signingIn : words.signIn}
        </button>
        <p className="muted">{words.signInDetail}</p>
        <button type="button" className="button" lang={language === 'en' ? 'zh-CN' : 'en'} onClick={toggle}>
          {words.otherLanguage}
        </button>
      </form>
    </main>
  );
}
