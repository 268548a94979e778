import type { Reply } from '../http/reply.ts';
import { markup, pageReply } from './page.ts';

/** A page that says one thing. */
export function messagePage(status: number, title: string, message: string): Reply {
  return pageReply(status, title, markup`<p>${message}</p>`);
}
