/** Most characters of a customer id. */
const maxLength = 200;

/**
 * What is wrong with a customer id, in words that do not repeat it; `undefined` when nothing is.
 * The id is the integrator's own: any text without control characters will do.
 */
export function findCustomerIdProblem(customerId: string): string | undefined {
  if (customerId === '') return 'customer_id is empty';
  if (customerId.length > maxLength) return `customer_id is longer than ${maxLength} characters`;
  if (/[\p{Cc}\p{Cf}\p{Cs}]/u.test(customerId)) return 'customer_id contains a control character';
  if (holdsPrivateKey(customerId))
    return 'customer_id contains a private key: are the columns swapped?';
  return undefined;
}

/** Whether a text that is stored and shown in clear has a private key in it by mistake. */
export function holdsPrivateKey(text: string): boolean {
  return /pk_[A-Za-z0-9]{16,}/.test(text);
}

/**
 * Whether a text can be written to as one mail address, and as nothing else: what RFC 5321 allows,
 * in any script, with quotes and addresses in brackets.
 */
export function isEmailAddress(text: string): boolean {
  return text.length <= 254 && mailbox.test(text);
}

const mailbox =
  /^(?:[^\s@<>"(),:;\\[\]\p{C}]{1,64}|"(?:[^"\\\p{C}]|\\[^\p{C}]){1,62}")@(?:[^\s@<>"'(),:;\\[\]\p{C}]+|\[(?:\d{1,3}(?:\.\d{1,3}){3}|IPv6:[\da-f:.]+)\])$/iu;
