import { createHash } from 'node:crypto';
import type { Reply } from '../http/reply.ts';

/** Markup that is safe to put in a page. */
export interface Markup {
  readonly html: string;
}

type Part = string | number | Markup | readonly Markup[];

/**
 * A template tag that escapes everything but other markup.
 *
 * @example
 * ```ts
 * markup`<p>${'<b>'}</p>`.html; // "<p>&lt;b&gt;</p>"
 * ```
 */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  let text = strings[0] ?? '';
  for (const [index, part] of parts.entries()) text += render(part) + (strings[index + 1] ?? '');
  return { html: text };
}

function render(part: Part): string {
  if (typeof part === 'object') {
    return 'html' in part ? part.html : part.map((each) => each.html).join('');
  }
  return escape(String(part));
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 44rem; padding: 2rem 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; }
.note { border: 1px solid; border-radius: .5rem; opacity: .8; padding: .5rem .75rem; }
.warning { border-left: .25rem solid #b45309; padding: .5rem .75rem; }
select, button { font: inherit; padding: .5rem .75rem; }
select { width: 100%; }
button { border: 1px solid; border-radius: .5rem; cursor: pointer; margin-right: .5rem; min-width: 7rem; }
button.primary { background: #1f6f50; border-color: #1f6f50; color: #fff; }
button.quiet { border: 0; background: none; padding: 0; text-decoration: underline; opacity: .8; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid; padding: .35rem .5rem .35rem 0; text-align: left; }
code { overflow-wrap: anywhere; }
`;

/** A page of the sandbox: no scripts, nothing from elsewhere. */
export function pageReply(status: number, title: string, body: Markup): Reply {
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Klaviyo sandbox</title>
<style>${{ html: style }}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`;
  const styleHash = createHash('sha256').update(style).digest('base64');
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      // No form-action: browsers apply it to the redirect after the consent form too, and that
      // goes to the app's own origin.
      'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; frame-ancestors 'none'`,
    },
    body: page.html,
  };
}
