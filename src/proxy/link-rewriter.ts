const quote = 0x22;
const backslash = 0x5c;
const slash = 0x2f;

/** Deeper JSON is none of Klaviyo's, and goes through as it is from there. */
const deepest = 256;

/** Of a container: whether it is an object, and whether it stands under a `links` key. */
const isObject = 1;
const isLinks = 2;

const linksKey = Buffer.from('links"');

/**
 * Rewrites the addresses in a JSON text that comes in chunks: strings under a key `links`, at any
 * depth, that begin with one origin get another. Every other byte stays as it is, also where the
 * text turns out to be no JSON, and nothing is kept but the beginning of one string.
 */
export class LinkRewriter {
  readonly #from: readonly Buffer[];
  readonly #to: Buffer;
  readonly #toEscaped: Buffer;
  /** What is open, from outside to inside. */
  readonly #open: number[] = [];
  #top = 0;
  /** Whether the next string of an object is a key. */
  #keyIsNext = false;
  #underLinks = false;
  #inString = false;
  #escaped = false;
  #off = false;
  #held: Buffer | undefined;

  /** @param from origins to replace; all without a trailing slash */
  constructor(from: readonly string[], to: string) {
    this.#from = from.map((origin) => Buffer.from(origin));
    this.#to = Buffer.from(to);
    this.#toEscaped = Buffer.from(to.replaceAll('/', '\\/'));
  }

  /** Returns what can go on. */
  write(chunk: Buffer): Buffer {
    const bytes = this.#held ? Buffer.concat([this.#held, chunk]) : chunk;
    this.#held = undefined;
    const parts: Buffer[] = [];
    let sent = 0;
    let at = 0;
    while (at < bytes.length && !this.#off) {
      if (this.#inString) {
        at = this.#skipString(bytes, at);
        continue;
      }
      const byte = bytes[at] as number;
      if (byte !== quote) {
        this.#step(byte);
        at += 1;
        continue;
      }
      const looked = this.#keyIsNext ? this.#readKey(bytes, at + 1) : this.#readLink(bytes, at + 1);
      if (looked === undefined) {
        // The rest decides, and comes with the next chunk.
        this.#held = bytes.subarray(at);
        parts.push(bytes.subarray(sent, at));
        return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
      }
      this.#inString = true;
      at += 1;
      if (looked.length > 0) {
        parts.push(bytes.subarray(sent, at), looked.escaped ? this.#toEscaped : this.#to);
        sent = at += looked.length;
      }
    }
    if (sent === 0) return bytes;
    parts.push(bytes.subarray(sent));
    return Buffer.concat(parts);
  }

  /** Returns what was kept back: half a string, of a text that broke off. */
  end(): Buffer {
    const rest = this.#held ?? Buffer.alloc(0);
    this.#held = undefined;
    return rest;
  }

  /** Goes to the end of a string, or of the chunk. */
  #skipString(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length) {
      const byte = bytes[at];
      at += 1;
      if (this.#escaped) this.#escaped = false;
      else if (byte === backslash) this.#escaped = true;
      else if (byte === quote) {
        this.#inString = false;
        return at;
      }
    }
    return at;
  }

  #step(byte: number): void {
    switch (byte) {
      case 0x7b: // {
      case 0x5b: {
        // [
        if (this.#open.length === deepest) this.#off = true;
        this.#open.push(this.#top);
        const links = this.#underLinks || (this.#top & isLinks) > 0 ? isLinks : 0;
        this.#top = (byte === 0x7b ? isObject : 0) | links;
        this.#keyIsNext = byte === 0x7b;
        this.#underLinks = links > 0;
        break;
      }
      case 0x7d: // }
      case 0x5d: {
        // ]
        const outer = this.#open.pop();
        if (outer === undefined) this.#off = true;
        this.#top = outer ?? 0;
        this.#keyIsNext = false;
        this.#underLinks = (this.#top & isLinks) > 0;
        break;
      }
      case 0x2c: // ,
        this.#keyIsNext = (this.#top & isObject) > 0;
        this.#underLinks = (this.#top & isLinks) > 0;
        break;
      case 0x3a: // :
        this.#keyIsNext = false;
        break;
      default:
        // A text that is no object and no array has no links.
        if (this.#open.length === 0 && byte > 0x20 && byte < 0x80) this.#off = true;
    }
  }

  /** Sees whether a key is `links`; undefined when the chunk is too short to tell. */
  #readKey(bytes: Buffer, at: number): Looked | undefined {
    const seen = Math.min(bytes.length - at, linksKey.length);
    const same = linksKey.compare(bytes, at, at + seen, 0, seen) === 0;
    if (same && seen < linksKey.length) return undefined;
    this.#underLinks = same || (this.#top & isLinks) > 0;
    return nothingToReplace;
  }

  /** Sees whether a string is a link to replace; undefined when the chunk is too short to tell. */
  #readLink(bytes: Buffer, at: number): Looked | undefined {
    if (!this.#underLinks) return nothingToReplace;
    let undecided = false;
    for (const origin of this.#from) {
      const looked = matchOrigin(bytes, at, origin);
      if (looked === undefined) undecided = true;
      else if (looked.length > 0) return looked;
    }
    return undecided ? undefined : nothingToReplace;
  }
}

/** How many bytes an origin takes in a string, and whether its slashes are escaped. */
interface Looked {
  readonly length: number;
  readonly escaped: boolean;
}

const nothingToReplace: Looked = { length: 0, escaped: false };

function matchOrigin(bytes: Buffer, from: number, origin: Buffer): Looked | undefined {
  let at = from;
  let escaped = false;
  for (const expected of origin) {
    if (at >= bytes.length) return undefined;
    if (expected === slash && bytes[at] === backslash) {
      at += 1;
      escaped = true;
      if (at >= bytes.length) return undefined;
    }
    if (bytes[at] !== expected) return nothingToReplace;
    at += 1;
  }
  // Another host may begin with the same letters.
  const next = bytes[at];
  if (next === undefined) return undefined;
  const ends = next === slash || next === quote || next === 0x3f || next === 0x23;
  if (ends) return { length: at - from, escaped };
  if (next !== backslash) return nothingToReplace;
  if (at + 1 >= bytes.length) return undefined;
  return bytes[at + 1] === slash ? { length: at - from, escaped } : nothingToReplace;
}
