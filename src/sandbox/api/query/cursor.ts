import type { JsonValue } from '../../state/json.ts';

/** Where a page begins or ends. Opaque to callers. */
export interface Cursor {
  readonly direction: 'next' | 'prev';
  /** The sort key of the list, empty for its natural order. */
  readonly key: string;
  /** The item's value under that key. */
  readonly value: JsonValue;
  /** The item's number in its collection. */
  readonly seq: number;
}

/** A cursor as text, in base64url. */
export function writeCursor({ direction, key, value, seq }: Cursor): string {
  return Buffer.from(JSON.stringify([direction, key, value, seq])).toString('base64url');
}

/** Reads a cursor; `undefined` for text that is not a cursor. */
export function readCursor(text: string): Cursor | undefined {
  const parts = parse(Buffer.from(text, 'base64url').toString('utf8'));
  if (!Array.isArray(parts) || parts.length !== 4) return undefined;
  const [direction, key, value, seq] = parts as [unknown, unknown, JsonValue, unknown];
  if (direction !== 'next' && direction !== 'prev') return undefined;
  if (typeof key !== 'string' || typeof seq !== 'number') return undefined;
  if (typeof value === 'object' && value !== null) return undefined;
  return { direction, key, value, seq };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
