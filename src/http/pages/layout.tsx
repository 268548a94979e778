import type { Child } from 'hono/jsx';
import { raw } from 'hono/html';
import { cleanText } from './clean-text.ts';
import { Contact } from './contact.tsx';
import { speak, type PageLanguage } from './language.ts';
import { Name } from './name.tsx';

/** What every page is given, whatever it shows. */
export interface PageProps {
  /** Path of the stylesheet, from {@link createStylesheet}. */
  readonly stylesheetHref: string;
  /** Whether Keyshift runs against its sandbox; the page then says so at the top. */
  readonly sandbox?: boolean | undefined;
  /** Absent on pages for the integrator's own people, which are in English. */
  readonly language?: PageLanguage | undefined;
  /** The company that asks for the connection. */
  readonly integratorName?: string | undefined;
  /** Its logo, as a `data:` URL. */
  readonly logo?: string | undefined;
  /** Where its customers get help: an email address, or the address of a page. */
  readonly contact?: string | undefined;
}

interface LayoutProps extends PageProps {
  readonly title: string;
  /** Shown at the top of the page, where it is not the integrator's: whose page this is. */
  readonly brand?: string | undefined;
  readonly width?: 'narrow' | 'wide';
  /**
   * `no-referrer` (default) where the page's own address is a secret. Browsers then send
   * `Origin: null` with its forms; the console uses `same-origin` to be able to check it.
   */
  readonly referrer?: 'no-referrer' | 'same-origin';
  /** Next to the brand: the console's sign-out button. */
  readonly actions?: Child;
  readonly children: Child;
}

const icon =
  'data:image/svg+xml,' +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#0b5a6f"/><path d="M4 6h7l-2-2M12 10H5l2 2" fill="none" stroke="#fff" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/></svg>',
  );

/** The frame of every page: head, masthead, main. Holds no script and no inline style. */
export function Layout(props: LayoutProps) {
  const width = `frame ${props.width ?? 'narrow'}`;
  // A page with a brand of its own is not for customers.
  const customer: Partial<PageProps> = props.brand === undefined ? props : {};
  const brand = props.brand ?? customer.integratorName;
  return (
    <>
      {raw('<!doctype html>')}
      <html lang={customer.language ?? 'en'}>
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="referrer" content={props.referrer ?? 'no-referrer'} />
          <meta name="robots" content="noindex, nofollow" />
          <meta name="color-scheme" content="light dark" />
          <title>{cleanText(props.title)}</title>
          <link rel="stylesheet" href={props.stylesheetHref} />
          <link rel="icon" href={icon} />
        </head>
        <body>
          {props.sandbox === true && <SandboxBanner width={width} language={customer.language} />}
          {brand !== undefined && (
            <header>
              <div class={`${width} masthead`}>
                <p class="brand">
                  {customer.logo !== undefined && <img class="logo" src={customer.logo} alt="" />}
                  <Name value={brand} />
                </p>
                {props.actions}
              </div>
            </header>
          )}
          <main>
            <div class={width}>
              {props.children}
              {customer.contact !== undefined && (
                <Contact contact={customer.contact} language={customer.language} />
              )}
            </div>
          </main>
        </body>
      </html>
    </>
  );
}

function SandboxBanner({
  width,
  language,
}: {
  readonly width: string;
  readonly language: PageLanguage | undefined;
}) {
  return (
    <aside class="sandbox" aria-label="Sandbox">
      <div class={width}>
        <p>
          <strong>Sandbox.</strong>{' '}
          {speak(language)(
            'This runs against a stand-in for Klaviyo. No real account is involved.',
            'Hier antwortet ein Ersatz für Klaviyo. Kein echtes Konto ist beteiligt.',
          )}
        </p>
      </div>
    </aside>
  );
}
