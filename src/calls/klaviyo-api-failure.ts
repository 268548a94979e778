import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { KlaviyoApiError } from '../klaviyo/api-error.ts';

/**
 * Klaviyo answered a call with an error. `klaviyo.id` is what Klaviyo's support asks for.
 *
 * @example
 * ```ts
 * const response = await connection.fetch('/api/profiles', { method: 'POST', body });
 * try {
 *   await response.orThrow();
 * } catch (error) {
 *   if (error instanceof KlaviyoApiFailure && error.httpStatus === 409) return;
 *   throw error;
 * }
 * ```
 */
export class KlaviyoApiFailure extends KeyshiftError<'klaviyo_refused'> {
  /** The status that Klaviyo answered. */
  readonly httpStatus: number;
  /** Klaviyo's own error; absent when the answer was no JSON:API error, such as the edge's page. */
  readonly klaviyo: KlaviyoApiError | undefined;

  constructor(httpStatus: number, klaviyo: KlaviyoApiError | undefined) {
    const detail = klaviyo ? `${klaviyo.code}: ${klaviyo.detail}` : 'no JSON:API error';
    super('klaviyo_refused', `Klaviyo answered ${httpStatus} (${detail}).`);
    this.httpStatus = httpStatus;
    this.klaviyo = klaviyo;
  }
}
