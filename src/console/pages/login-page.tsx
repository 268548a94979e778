import { cleanText } from '../../http/pages/clean-text.ts';
import type { PageProps } from '../../http/pages/layout.tsx';
import { ConsoleLayout } from './console-layout.tsx';

/** What {@link LoginPage} shows. */
export interface LoginPageProps extends PageProps {
  /** Why the last attempt failed, for a person to read. */
  readonly error?: string | undefined;
  /** Goes back as the form field `csrf_token`. */
  readonly csrfToken: string;
}

/** The console's door: posts `csrf_token` and `password` to `/console/login`. */
export function LoginPage({ error, csrfToken, ...page }: LoginPageProps) {
  return (
    <ConsoleLayout {...page} title={error === undefined ? 'Sign in' : 'Error: sign in'}>
      <div class="login card">
        <h1>Sign in</h1>
        {error !== undefined && (
          <p class="field-error" id="login-error" role="alert">
            {cleanText(error)}
          </p>
        )}
        <form method="post" action="/console/login">
          <input type="hidden" name="csrf_token" value={csrfToken} />
          <div class="field">
            <label for="password">Administrator password</label>
            <input
              id="password"
              name="password"
              type="password"
              autocomplete="current-password"
              required
              autofocus
              {...(error === undefined
                ? {}
                : { 'aria-invalid': 'true', 'aria-describedby': 'login-error' })}
            />
          </div>
          <button type="submit" class="button">
            Sign in
          </button>
        </form>
      </div>
    </ConsoleLayout>
  );
}
