import { findOperation } from '../../klaviyo/operations.ts';
import { sandboxHeader, type ApiErrors, type ApiReply } from '../context/api-error.ts';

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/**
 * Answers a request that belongs to no operation: 410 where Klaviyo's earlier APIs had it, 404 where Klaviyo has no such path, 405 with
 * `Allow` where it has the path but not the method, and `OPTIONS` by what is allowed. Under
 * `/client`, which browsers call from other origins, `OPTIONS` is a CORS preflight. All of it is
 * assumed: Klaviyo documents none of it.
 */
export function answerOtherMethod(errors: ApiErrors, method: string, path: string): ApiReply {
  const allowed = methods.filter((candidate) => findOperation(candidate, path));
  const headers = { [sandboxHeader]: 'unknown-operation' };
  if (/^\/api\/(track|identify|v1|v2)(\/|$)/.test(path)) {
    const detail =
      'This endpoint of Klaviyo’s version 1 and 2 APIs is retired. Use /api/events and the other endpoints of the current API.';
    return errors.error({ status: 410, code: 'gone', title: 'Gone.', detail, headers });
  }
  if (allowed.length === 0) {
    const detail = 'Klaviyo has no such path.';
    return errors.error({ status: 404, code: 'not_found', title: 'Not found.', detail, headers });
  }
  const allow = [...allowed, ...(allowed.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  if (method === 'OPTIONS') {
    return { status: 204, headers: { allow, ...preflight(path, allow) }, body: '' };
  }
  return errors.error({
    status: 405,
    code: 'method_not_allowed',
    title: 'Method not allowed.',
    detail: `Method "${method}" not allowed.`,
    headers: { ...headers, allow },
  });
}

/** What lets a page of any origin read an answer of `/client`. */
export const corsHeaders = { 'access-control-allow-origin': '*' } as const;

function preflight(path: string, allow: string): Record<string, string> {
  if (!path.startsWith('/client/')) return {};
  return {
    ...corsHeaders,
    'access-control-allow-methods': allow,
    'access-control-allow-headers': 'content-type, revision',
  };
}
