import { apiPathOf, type IsKlaviyoHost } from './call-host.ts';
import { createCallTally } from './call-tally.ts';
import { interpretCall, type Sighting } from './sighting.ts';

/** What an access log held. */
export interface AccessLogReading {
  readonly sightings: readonly Sighting[];
  readonly lines: number;
  /** Lines that were calls of Klaviyo's API. */
  readonly calls: number;
}

/**
 * Reads the calls of Klaviyo's API out of an access log: lines of text that hold a request line
 * (`"GET /api/profiles HTTP/1.1"`, as in the common and combined formats) or JSON objects with
 * method and path under their usual names. Whatever else a line holds is left alone.
 *
 * @param name how the log is called in the sightings
 * @example
 * ```ts
 * const { sightings } = await readAccessLog(readFileLines('access.log'), 'access.log', isKlaviyo);
 * ```
 */
export async function readAccessLog(
  lines: AsyncIterable<string>,
  name: string,
  isKlaviyo: IsKlaviyoHost,
): Promise<AccessLogReading> {
  const tally = createCallTally();
  let count = 0;
  let calls = 0;
  for await (const line of lines) {
    count += 1;
    const call = parseLogLine(line, isKlaviyo);
    if (!call) continue;
    calls += 1;
    tally.add(call.method, call.path, interpretCall(call.method, call.path));
  }
  return { sightings: tally.sightings('log', name), lines: count, calls };
}

interface LoggedCall {
  readonly method: string;
  readonly path: string;
}

const requestLine = /(?:^|["'\s[])(GET|POST|PUT|PATCH|DELETE|HEAD)\s+([^\s"']+)/;

/** The call of one line, or `undefined`. */
export function parseLogLine(line: string, isKlaviyo: IsKlaviyoHost): LoggedCall | undefined {
  const trimmed = line.trim();
  const call = trimmed.startsWith('{') ? fromJson(trimmed) : fromText(trimmed);
  if (!call) return undefined;
  if (call.host !== undefined && !isKlaviyo(call.host)) return undefined;
  const path = apiPathOf(call.target, isKlaviyo);
  return path === undefined ? undefined : { method: call.method.toUpperCase(), path };
}

interface RawCall {
  readonly method: string;
  readonly target: string;
  readonly host?: string | undefined;
}

function fromText(line: string): RawCall | undefined {
  const [, method, target] = requestLine.exec(line) ?? [];
  return method === undefined || target === undefined ? undefined : { method, target };
}

const names = {
  method: ['method', 'request_method', 'http_method', 'httpMethod', 'verb', 'http.method'],
  target: ['url', 'uri', 'request_uri', 'path', 'target', 'http.target', 'http.url', 'endpoint'],
  host: ['host', 'http_host', 'authority', ':authority', 'upstream_host', 'server_name'],
} as const;

function fromJson(line: string): RawCall | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  return isRecord(parsed) ? (readFields(parsed) ?? fromRequestField(parsed)) : undefined;
}

/** Under `request` some servers log an object, others the request line. */
function fromRequestField(entry: Record<string, unknown>): RawCall | undefined {
  const request = entry['request'] ?? entry['req'] ?? entry['httpRequest'];
  if (typeof request === 'string') return fromText(request);
  return isRecord(request) ? readFields(request) : undefined;
}

function readFields(entry: Record<string, unknown>): RawCall | undefined {
  const [method, target] = [pick(entry, names.method), pick(entry, names.target)];
  if (method === undefined || target === undefined) return undefined;
  return { method, target, host: pick(entry, names.host) };
}

function pick(entry: Record<string, unknown>, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = entry[key];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
