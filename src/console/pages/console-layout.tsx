import type { Child } from 'hono/jsx';
import { Layout, type PageProps } from '../../http/pages/layout.tsx';

interface ConsoleLayoutProps extends PageProps {
  readonly title: string;
  readonly width?: 'narrow' | 'wide';
  /** Guards the sign-out form; absent where nobody is signed in. */
  readonly signOutToken?: string;
  readonly children: Child;
}

/** The frame of the console's pages: the common layout with a sign-out button. */
export function ConsoleLayout({ title, signOutToken, ...rest }: ConsoleLayoutProps) {
  return (
    <Layout
      {...rest}
      title={`${title} · Keyshift`}
      brand="Keyshift console"
      referrer="same-origin"
      actions={signOutToken !== undefined && <SignOut csrfToken={signOutToken} />}
    />
  );
}

function SignOut({ csrfToken }: { readonly csrfToken: string }) {
  return (
    <form method="post" action="/console/logout">
      <input type="hidden" name="csrf_token" value={csrfToken} />
      <button type="submit" class="button quiet">
        Sign out
      </button>
    </form>
  );
}
