/** The codes of errors that mean: Klaviyo gave no verdict. */
export type UpstreamCode =
  | 'upstream_timeout'
  | 'upstream_unreachable'
  | 'upstream_unreadable'
  | 'upstream_unavailable'
  | 'upstream_throttled';

/**
 * The one name of a status that is no verdict on a call. Whoever called Keyshift gets the same
 * status where HTTP has one for it: 429, 502, 503 and 504 stay what they are.
 */
export function upstreamCode(status: number): UpstreamCode {
  switch (status) {
    case 429:
      return 'upstream_throttled';
    // A gateway in front of Klaviyo says of it what a missing answer says.
    case 502:
      return 'upstream_unreachable';
    case 504:
      return 'upstream_timeout';
    // 408 and 425 ask for the same call again, and nothing was done: no timeout of Klaviyo's work.
    case 408:
    case 425:
    case 503:
      return 'upstream_unavailable';
    default:
      return 'upstream_unreadable';
  }
}
