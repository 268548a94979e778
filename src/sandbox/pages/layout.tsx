import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';
import type { Child } from 'hono/jsx';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { SandboxCall } from '../http/sandbox-env.ts';

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; --line: #8886; --accent: #1f6f50; }
body { margin: 0 auto; max-width: 44rem; padding: 2rem 1rem; }
body.wide { font-size: .9375rem; max-width: 76rem; }
h1 { font-size: 1.5rem; line-height: 1.25; }
h2 { font-size: 1.125rem; margin: 2rem 0 .5rem; }
.note { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .75rem; }
.warning { border-left: .25rem solid #b45309; padding: .5rem .75rem; }
.hidden { clip-path: inset(50%); height: 1px; overflow: hidden; position: absolute; white-space: nowrap; width: 1px; }
select, button, input, textarea { font: inherit; padding: .5rem .75rem; }
select { max-width: 100%; }
p > select { width: 100%; }
button { border: 1px solid; border-radius: .5rem; cursor: pointer; margin-right: .5rem; min-width: 7rem; }
button.primary { background: var(--accent); border-color: var(--accent); color: #fff; }
button.quiet { background: none; border: 0; padding: 0; text-decoration: underline; }
.actions { align-items: end; display: flex; flex-wrap: wrap; gap: .5rem; }
form.action { align-items: end; display: flex; flex-wrap: wrap; gap: .5rem; margin: 0; }
.wide button, .wide select, .wide input { border: 1px solid var(--line); border-radius: .375rem; margin: 0; min-width: 0; padding: .25rem .5rem; }
.wide input[type=number] { width: 7rem; }
.field { display: block; flex: 1 0 100%; }
.field > span { display: block; }
.field textarea { box-sizing: border-box; font-family: ui-monospace, monospace; width: 100%; }
.scroll { margin-top: .5rem; overflow-x: auto; position: relative; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .75rem .35rem 0; text-align: left; vertical-align: top; }
code { overflow-wrap: anywhere; }
td code { overflow-wrap: normal; }
a { color: inherit; }
@media (max-width: 45rem) {
  .scroll thead { display: none; }
  .scroll tr { border-bottom: 1px solid var(--line); display: block; padding: .35rem 0; }
  .scroll td { border: 0; display: block; padding: .1rem 0; }
  .scroll td:empty { display: none; }
  .scroll td[data-label]::before { content: attr(data-label) ': '; opacity: .75; }
}
pre { border: 1px solid var(--line); border-radius: .5rem; overflow-x: auto; padding: .75rem; }
`;

const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  // No form-action: browsers apply it to the redirect after the consent form too, and that goes to
  // the app's own origin.
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What a page of the sandbox shows. */
export interface PageContent {
  readonly title: string;
  readonly body: Child;
  readonly wide?: boolean;
}

/** Answers with a page: no scripts, nothing from elsewhere. */
export function answerPage(
  c: SandboxCall,
  content: PageContent,
  status: ContentfulStatusCode = 200,
): Response | Promise<Response> {
  c.header('cache-control', 'no-store');
  // Not none: the forms of the page would be sent without an origin.
  c.header('referrer-policy', 'same-origin');
  c.header('x-content-type-options', 'nosniff');
  c.header('content-security-policy', policy);
  return c.html(html`<!doctype html>${(<Page {...content} />)}`, status);
}

function Page({ title, body, wide = false }: PageContent) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{title === 'Klaviyo sandbox' ? title : `${title} · Klaviyo sandbox`}</title>
        <style>{raw(style)}</style>
      </head>
      <body class={wide ? 'wide' : undefined}>
        <main>
          <h1>{title}</h1>
          {body}
        </main>
      </body>
    </html>
  );
}

/** Answers with a page that says one thing. */
export function answerMessage(
  c: SandboxCall,
  status: ContentfulStatusCode,
  title: string,
  message: string,
): Response | Promise<Response> {
  return answerPage(c, { title, body: <p>{message}</p> }, status);
}
