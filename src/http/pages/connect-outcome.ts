import type { ScopeLine } from '../../klaviyo/scopes.ts';
import type { AccountLabel } from './account-facts.tsx';

/** How an attempt to connect ended. `retryHref` is where the customer may try again. */
export type ConnectOutcome =
  | { readonly kind: 'connected'; readonly account: AccountLabel }
  | { readonly kind: 'already_connected'; readonly account: AccountLabel }
  | { readonly kind: 'denied'; readonly retryHref?: string | undefined }
  | { readonly kind: 'attempt_expired'; readonly retryHref?: string | undefined }
  | {
      readonly kind: 'wrong_account';
      readonly expected: AccountLabel;
      readonly chosen: AccountLabel;
      readonly retryHref?: string | undefined;
    }
  | {
      readonly kind: 'permission_missing';
      readonly missing: readonly ScopeLine[];
      readonly retryHref?: string | undefined;
    }
  | { readonly kind: 'link_invalid' }
  | { readonly kind: 'link_expired' }
  | { readonly kind: 'klaviyo_unavailable'; readonly retryHref?: string | undefined };
