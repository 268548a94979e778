import type { ErrorCode } from '../../errors/error-table.ts';
import type { AccountLabel } from './account-facts.tsx';

/** How an attempt to connect ended. `retryHref` is where the customer may try again. */
export type ConnectOutcome =
  | { readonly kind: 'connected'; readonly account: AccountLabel }
  | { readonly kind: 'already_connected'; readonly account?: AccountLabel | undefined }
  /** By Klaviyo's own install button: no customer of the integrator is known for the account. */
  | { readonly kind: 'installed'; readonly account: AccountLabel }
  | { readonly kind: 'denied'; readonly retryHref?: string | undefined }
  | {
      readonly kind: 'wrong_role';
      readonly retryHref?: string | undefined;
      /** Where the link can be passed on to somebody who may. */
      readonly handOverHref?: string | undefined;
    }
  | { readonly kind: 'attempt_expired'; readonly retryHref?: string | undefined }
  | {
      readonly kind: 'wrong_account';
      readonly expected: AccountLabel;
      readonly chosen: AccountLabel;
      readonly retryHref?: string | undefined;
    }
  | {
      readonly kind: 'permission_missing';
      /** Scopes that were not granted. */
      readonly missing: readonly string[];
      readonly retryHref?: string | undefined;
    }
  | { readonly kind: 'link_invalid' }
  | { readonly kind: 'link_revoked' }
  | { readonly kind: 'link_expired' }
  | { readonly kind: 'klaviyo_unavailable'; readonly retryHref?: string | undefined };

/** Pages of links that lead nowhere, by the code of the error that says so. */
export const linkOutcomes: ReadonlyMap<
  ErrorCode,
  'link_invalid' | 'link_revoked' | 'link_expired'
> = new Map([
  ['invitation_invalid', 'link_invalid'],
  ['invitation_revoked', 'link_revoked'],
  ['invitation_expired', 'link_expired'],
]);
