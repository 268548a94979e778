import { z } from 'zod';
import { errorTable, type ErrorCode } from '../../src/errors/error-table.ts';

/** An HTTP answer, read to its end. */
export interface Answer {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** Sends a request and reads the answer. Redirects are not followed; it fails after 15 seconds. */
export async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const signal = init.signal ?? AbortSignal.timeout(15_000);
  const response = await fetch(url, { redirect: 'manual', ...init, signal });
  return toAnswer(url, response);
}

/** Sends JSON by POST. */
export function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  return send(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

export async function toAnswer(url: string, response: Response): Promise<Answer> {
  const { status, headers } = response;
  return { url, status, headers, body: await response.text() };
}

const errorBody = z.strictObject({
  error: z.string().refine((code): code is ErrorCode => Object.hasOwn(errorTable, code)),
  error_description: z.string().min(1),
  fix: z.string().min(1),
});

/** The error of an answer, which must have exactly the three fields of Keyshift's error body. */
export function errorOf(answer: Answer): z.infer<typeof errorBody> {
  return errorBody.parse(JSON.parse(answer.body));
}

const tokenBody = z.strictObject({
  access_token: z.string().min(1),
  token_type: z.literal('bearer'),
  expires_in: z.number().int().positive(),
  refresh_token: z.string().min(1),
  scope: z.string().min(1),
});

/** The token JSON of an answer, which must be complete. */
export function tokensOf(answer: Answer): z.infer<typeof tokenBody> {
  return tokenBody.parse(JSON.parse(answer.body));
}

const apiErrorBody = z.object({
  errors: z
    .array(z.object({ id: z.string(), code: z.string(), title: z.string(), detail: z.string() }))
    .length(1),
});

/** The one error of a JSON:API answer. */
export function apiErrorOf(answer: Answer) {
  return apiErrorBody.parse(JSON.parse(answer.body)).errors[0]!;
}

const accountsBody = z.object({ data: z.array(z.object({ id: z.string() })).length(1) });

/** The account id of an answer of `/api/accounts`. */
export function accountIdOf(answer: Answer): string {
  return accountsBody.parse(JSON.parse(answer.body)).data[0]!.id;
}
