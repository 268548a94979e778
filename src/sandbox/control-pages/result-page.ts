import type { Reply } from '../http/reply.ts';
import { markup, pageReply } from '../pages/page.ts';

/** What a control route answered, for the person who pressed its button. */
export function resultPage(did: string, result: unknown, back: string): Reply {
  return pageReply(
    200,
    'Done',
    markup`<p>The sandbox ${did}. What is below is shown this once.</p>
<pre tabindex="0">${JSON.stringify(result, null, 2)}</pre>
<p><a href="${back}">Back</a></p>`,
  );
}
