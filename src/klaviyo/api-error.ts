import { z } from 'zod';

/** The first error of a JSON:API error answer. */
export interface KlaviyoApiError {
  readonly id: string | undefined;
  readonly code: string;
  readonly detail: string;
  /** Scopes that the credential lacks, when the answer names them. */
  readonly missingScopes: readonly string[];
}

const text = z.string().optional().catch(undefined);
const errorReply = z.object({
  errors: z.array(z.object({ id: text, code: text, detail: text, title: text })).min(1),
});

/**
 * Reads the error body of Klaviyo's API.
 *
 * @returns `undefined` when the body is not a JSON:API error, such as the edge's HTML pages
 */
export function parseApiError(body: string): KlaviyoApiError | undefined {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return undefined;
  }
  const error = errorReply.safeParse(json).data?.errors[0];
  if (!error) return undefined;
  const detail = error.detail ?? error.title ?? '';
  const scopes = /missing required scopes?:\s*(.+?)\.?$/i.exec(detail)?.[1];
  return {
    id: error.id,
    code: error.code ?? '',
    detail,
    missingScopes: scopes?.split(/[\s,]+/).filter(Boolean) ?? [],
  };
}

/** Whether an answer refuses the credential itself (not its scopes, and not the edge's HTML). */
export function refusesCredential(status: number, error: KlaviyoApiError | undefined): boolean {
  // Without a JSON:API error it is not Klaviyo's API that speaks, but its edge.
  if (status === 401) return error !== undefined;
  return status === 400 && /^(not_authenticated|authentication_failed)$/.test(error?.code ?? '');
}
