/** A place where a secret was found. Names the kind, never the value. */
export interface Leak {
  readonly place: string;
  readonly kind: string;
}

/** Something that must hold no secret: a file, a table, a log line, an answer. */
export interface Place {
  readonly name: string;
  readonly content: Buffer | string;
}

/** Every secret of a flow, and the search for them. */
export interface SecretLedger {
  add(kind: string, value: string): void;
  /** Every kind that was added. */
  readonly kinds: ReadonlySet<string>;
  /** How many different values were added. */
  readonly size: number;
  /** Where any secret stands, as it is or encoded; `except` values may stand there. */
  findIn(places: Iterable<Place>, except?: ReadonlySet<string>): Leak[];
}

/** Shorter values would be found by chance. */
const shortestSecret = 12;
const fragmentLength = 39;

/**
 * Creates an empty ledger. A value is searched for in clear, percent-encoded, in hex and in both
 * base64 alphabets; a long one also by fragments of it, since a page of a database or a message
 * may hold a part.
 */
export function createSecretLedger(): SecretLedger {
  const kinds = new Set<string>();
  const secrets = new Map<string, { readonly kind: string; readonly forms: readonly Buffer[] }>();
  return {
    kinds,
    get size() {
      return secrets.size;
    },
    add(kind, value) {
      if (value.length < shortestSecret) throw new Error(`a ${kind} is too short to search for`);
      kinds.add(kind);
      if (!secrets.has(value)) secrets.set(value, { kind, forms: formsOf(value) });
    },
    findIn(places, except = new Set()) {
      const leaks: Leak[] = [];
      for (const { name, content } of places) {
        const bytes = typeof content === 'string' ? Buffer.from(content) : content;
        for (const [value, { kind, forms }] of secrets) {
          if (except.has(value)) continue;
          if (forms.some((form) => bytes.includes(form))) leaks.push({ place: name, kind });
        }
      }
      return leaks;
    },
  };
}

function formsOf(value: string): Buffer[] {
  const forms = [value, ...fragmentsOf(value)].flatMap((text) => {
    const bytes = Buffer.from(text);
    // The last group depends on what follows.
    const whole = bytes.subarray(0, bytes.length - (bytes.length % 3));
    return [
      text,
      encodeURIComponent(text),
      bytes.toString('hex'),
      bytes.toString('hex').toUpperCase(),
      whole.toString('base64'),
      whole.toString('base64url'),
    ];
  });
  return [...new Set(forms)].map((form) => Buffer.from(form));
}

/**
 * Pieces from the first quarter, the middle and the end, not from the start: the header of a JWT is
 * the same in each. Every piece begins at a multiple of 3 for base64.
 */
function fragmentsOf(value: string): string[] {
  if (value.length < 2 * fragmentLength) return [];
  return [value.length / 4, value.length / 2, value.length - fragmentLength]
    .map((at) => Math.floor(at / 3) * 3)
    .map((at) => value.slice(at, at + fragmentLength));
}
