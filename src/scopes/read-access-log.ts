import { apiPathOf, type IsKlaviyoHost } from './call-host.ts';
import { createCallTally } from './call-tally.ts';
import { interpretCall, knownResources, type Sighting } from './sighting.ts';

/** What an access log held. */
export interface AccessLogReading {
  readonly sightings: readonly Sighting[];
  readonly lines: number;
  /** Lines that were calls of Klaviyo's API. */
  readonly calls: number;
  /** Lines, blank ones and headings aside, in which no request was recognised. */
  readonly unreadLines: number;
}

/**
 * Reads the calls of Klaviyo's API out of an access log: lines of text that hold a request line
 * (`"GET /api/profiles HTTP/1.1"`, as in the common and combined formats), method and path as fields
 * (`method=GET path="/api/profiles"`, or apart by tabs) or JSON objects with method and path. What
 * mentions Klaviyo's API in a form that is not known becomes an `unread` sighting; whatever else a
 * line holds is left alone.
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
  let unreadLines = 0;
  let unreadCalls = 0;
  for await (const line of lines) {
    count += 1;
    const read = readLogLine(line, isKlaviyo);
    if (read === 'unread') {
      unreadLines += 1;
      if (mentionsApi.test(line)) unreadCalls += 1;
    } else if (read !== 'other') {
      calls += 1;
      tally.add(read.method, read.path, interpretCall(read.method, read.path));
    }
  }
  const sightings = tally.sightings('log', name);
  if (unreadCalls > 0) {
    const path = '(lines in a form that is not known)';
    const unread = { kind: 'unread', source: 'log', method: undefined, path, where: name } as const;
    sightings.push({ ...unread, count: unreadCalls });
  }
  return { sightings, lines: count, calls, unreadLines };
}

/** Klaviyo's host, or a path of its API: a line with it is a call, whatever its form. */
const mentionsApi = new RegExp(
  `a\\.klaviyo\\.com|/(?:api|client)/(?:${[...knownResources].filter(Boolean).join('|')})(?![\\w-])`,
);

interface LoggedCall {
  readonly method: string;
  readonly path: string;
}

const requestLine = /(?:^|["'\s[])(GET|POST|PUT|PATCH|DELETE|HEAD)\s+([^\s"']+)/;

/** The call of one line; `other` for what is none of Klaviyo's, `unread` for no known form. */
export function readLogLine(
  line: string,
  isKlaviyo: IsKlaviyoHost,
): LoggedCall | 'other' | 'unread' {
  const trimmed = line.trim();
  if (trimmed === '' || trimmed.startsWith('#')) return 'other';
  const json = trimmed.indexOf('{');
  // A log of containers puts the time, and their names, before the object.
  const call = (json < 0 ? undefined : fromJson(trimmed.slice(json))) ?? fromText(trimmed);
  if (!call) return 'unread';
  if (call.host !== undefined && !isKlaviyo(call.host)) return 'other';
  const path = apiPathOf(call.target, isKlaviyo);
  return path === undefined ? 'other' : { method: call.method.toUpperCase(), path };
}

interface RawCall {
  readonly method: string;
  readonly target: string;
  readonly host?: string | undefined;
}

/** CloudFront's and others': the host stands between the method and the path. */
const methodHostPath =
  /(?:^|\s)(GET|POST|PUT|PATCH|DELETE|HEAD)\s+([\w-]+(?:\.[\w-]+)+(?::\d+)?)\s+(\/\S*)/;
const targetForm = /^(?:\/|https?:\/\/)/;

function fromText(line: string): RawCall | undefined {
  const [, verb, host, at] = methodHostPath.exec(line) ?? [];
  // A distribution's own host says nothing of where it leads.
  if (verb !== undefined && at !== undefined) {
    return { method: verb, target: at, host: host?.endsWith('.cloudfront.net') ? undefined : host };
  }
  const [, method, target] = requestLine.exec(line) ?? [];
  if (method !== undefined && target !== undefined && targetForm.test(target)) {
    return { method, target };
  }
  return readFields(fieldsOf(line));
}

/** `name=value` and `name="value"`, as routers of platforms and logfmt write them. */
function fieldsOf(line: string): Record<string, unknown> {
  const found = line.matchAll(/(?:^|[\s,;])([\w.:-]+)=(?:"([^"]*)"|([^\s"]*))/g);
  return Object.fromEntries(
    [...found].map(([, key = '', quoted, plain]) => [key, quoted ?? plain ?? '']),
  );
}

const names = {
  method: [
    'method',
    'request_method',
    'http_method',
    'httpMethod',
    'verb',
    'http.method',
    'requestMethod',
    'cs-method',
    'http.request.method',
  ],
  target: [
    'url',
    'uri',
    'request_uri',
    'path',
    'target',
    'http.target',
    'http.url',
    'endpoint',
    'requestUrl',
    'url.full',
    'url.path',
    'request_path',
  ],
  host: ['host', 'http_host', 'authority', ':authority', 'upstream_host', 'server_name'],
} as const;

function fromJson(line: string): RawCall | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isRecord(parsed)) return undefined;
  return readFields(parsed) ?? fromRequestField(parsed) ?? fromAnyField(parsed);
}

const verb = /^(?:GET|POST|PUT|PATCH|DELETE|HEAD)$/i;

/**
 * Under names of somebody's own: the one value that is a method, beside the one that is an address,
 * down to three levels. A request line in a message counts, too.
 */
function fromAnyField(entry: Record<string, unknown>): RawCall | undefined {
  const values = flatten(entry, 3);
  const methods = values.filter(([, value]) => verb.test(value));
  const targets = values.filter(([, value]) =>
    /^(?:https?:\/\/[^/\s]+)?\/(?:api|client)\//.test(value),
  );
  const [[, method] = []] = methods;
  const [[, target] = []] = targets;
  if (methods.length === 1 && targets.length === 1 && method && target) {
    const host = values.find(([key]) => names.host.some((name) => name === key))?.[1];
    return { method, target, host };
  }
  for (const [, value] of values) {
    const call = value.length > 12 ? fromText(value) : undefined;
    if (call) return call;
  }
  return undefined;
}

function flatten(entry: Record<string, unknown>, depth: number): [key: string, value: string][] {
  return Object.entries(entry).flatMap(([key, value]): [string, string][] => {
    if (typeof value === 'string') return [[key.toLowerCase(), value]];
    return depth > 0 && isRecord(value) ? flatten(value, depth - 1) : [];
  });
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
