import { vi } from 'vitest';
import type { Place } from './secret-ledger.ts';

/** An answer of Keyshift, and the secrets that are meant for its caller. */
export interface WatchedAnswer {
  readonly place: Place;
  readonly meantForCaller: ReadonlySet<string>;
}

/** What {@link watchAnswers} saw. */
export interface AnswerWatch extends Disposable {
  readonly answers: readonly WatchedAnswer[];
}

/** Notes the body of everything that `fetch` gets from a server, until it is disposed of. */
export function watchAnswers(serverUrl: string): AnswerWatch {
  const answers: WatchedAnswer[] = [];
  const realFetch = globalThis.fetch;
  const spy = vi.spyOn(globalThis, 'fetch').mockImplementation(async (...args) => {
    const response = await realFetch(...args);
    const { url } = new Request(args[0]);
    if (url.startsWith(serverUrl)) answers.push(await read(new URL(url), response.clone()));
    return response;
  });
  return {
    answers,
    [Symbol.dispose]: () => {
      spy.mockRestore();
    },
  };
}

async function read({ pathname }: URL, response: Response): Promise<WatchedAnswer> {
  const content = await response.text();
  const path = pathname.replace(/(\/connect\/)[\w-]+/, '$1…');
  return {
    place: { name: `answer ${response.status} of ${path}`, content },
    meantForCaller: new Set(meantForCaller(pathname, response, content)),
  };
}

/** A customer's own link on its own pages, and the token JSON of development. */
function meantForCaller(pathname: string, response: Response, content: string): string[] {
  const isPage = response.headers.get('content-type')?.startsWith('text/html') === true;
  const own = /^\/connect\/([\w-]+)/.exec(pathname)?.[1];
  if (isPage && own !== undefined) return [own];
  if (isPage && pathname.startsWith('/auth/callback')) {
    return [...content.matchAll(/href="\/connect\/([\w-]+)/g)].map(([, token]) => token ?? '');
  }
  if (response.status !== 200 || !/^\/auth\/(callback|refresh)$/.test(pathname)) return [];
  const { access_token: access = '', refresh_token: refresh = '' } = JSON.parse(content) as Record<
    string,
    string
  >;
  return [access, refresh];
}
