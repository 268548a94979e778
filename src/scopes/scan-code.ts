import { findSdkMethod } from '../klaviyo/sdk-methods.ts';
import type { IsKlaviyoHost } from './call-host.ts';
import { guessMethod } from './http-method-hints.ts';
import {
  definesApiBase,
  findPathLiterals,
  findRelativePaths,
  markInsertions,
  type PathLiteral,
} from './path-literals.ts';
import { interpretCall, type Sighting } from './sighting.ts';

/**
 * Finds the uses of Klaviyo's API in a source file of any language: calls of SDK methods, and
 * addresses with the method that stands near them. It reads text and runs nothing, so that it can
 * miss what is put together at run time; whatever it finds comes with its line, to be looked up.
 *
 * @param file the name to show
 * @example
 * ```ts
 * scanCode("await profilesApi.getProfiles()", 'sync.ts', isKlaviyo); // [{ kind: 'operation', … }]
 * ```
 */
export function scanCode(text: string, file: string, isKlaviyo: IsKlaviyoHost): Sighting[] {
  const isAboutKlaviyo = /klaviyo/i.test(text);
  const lines = text.split(/\r?\n/).map((line) => (isComment(line) ? '' : line));
  const sdkCalls = lines.flatMap((line, index) =>
    findSdkCalls(line, isAboutKlaviyo).map((name) => toSdkSighting(name, `${file}:${index + 1}`)),
  );
  const addresses = findAddresses(lines, isAboutKlaviyo, definesApiBase(text), isKlaviyo);
  return [
    ...sdkCalls.filter((sighting) => sighting !== undefined),
    ...addresses.map(({ line, ...call }) => ({
      ...interpretCall(call.method, call.path),
      ...call,
      source: 'code' as const,
      count: 1,
      where: `${file}:${line}`,
    })),
  ];
}

function isComment(line: string): boolean {
  return /^\s*(\/\/|#(?![{![])|\*|\/\*|--\s|<!--)/.test(line);
}

const member = /(?<=([\w$]*)(?:\(\))?\s*)(?:\?\.|\.|->|::)\s*([A-Za-z]\w*)/g;
/** What holds the methods in the SDKs, so that a file need not name Klaviyo itself. */
const sdkReceiver =
  /^\$?(?:\w*klaviyo\w*|\w+Api|Accounts|Campaigns|Catalogs|Coupons|DataPrivacy|Events|Flows|Forms|Images|Lists|Metrics|Profiles|Reporting|Reviews|Segments|Tags|Templates|TrackingSettings|WebFeeds|Webhooks)$/i;

function findSdkCalls(line: string, isAboutKlaviyo: boolean): string[] {
  return [...line.matchAll(member)].flatMap(([, receiver = '', name = '']) =>
    isAboutKlaviyo || sdkReceiver.test(receiver) ? [name] : [],
  );
}

function toSdkSighting(name: string, where: string): Sighting | undefined {
  const operation = findSdkMethod(name);
  return (
    operation && {
      kind: 'operation',
      operation,
      source: 'code',
      method: operation.method,
      path: operation.path,
      count: 1,
      where,
    }
  );
}

interface Address {
  readonly line: number;
  readonly method: string | undefined;
  readonly path: string;
}

/** Routes that the application itself serves under a similar path. */
const ownRoute =
  /\b(?:app|router|server|fastify|api|routes?)\.(?:get|post|put|patch|delete|use|route|all)\s*\(|@\w*\.?(?:route|get|post|put|patch|delete|(?:Get|Post|Put|Patch|Delete|Request)Mapping)\s*\(|\bRoute::/i;

function findAddresses(
  lines: readonly string[],
  isAboutKlaviyo: boolean,
  hasBase: boolean,
  isKlaviyo: IsKlaviyoHost,
): Address[] {
  const marked = lines.map(markInsertions);
  const literalsOf = (line: string): PathLiteral[] => {
    if (ownRoute.test(line)) return [];
    const found = findPathLiterals(line).filter(({ host }) =>
      host === undefined ? isAboutKlaviyo : isKlaviyo(host),
    );
    return found.length > 0 || !hasBase ? found : findRelativePaths(line);
  };
  const isAddress = (line: string) => literalsOf(line).length > 0;
  return marked.flatMap((line, index) =>
    literalsOf(line)
      .map(({ path, host, column }) => ({
        line: index + 1,
        method: guessMethod(marked, index, column, isAddress),
        path,
        host,
      }))
      // Without Klaviyo's host, a path that Klaviyo does not know belongs to somebody else.
      .filter(
        ({ host, path }) => host !== undefined || interpretCall(undefined, path).kind !== 'unknown',
      )
      .map(({ host: _host, ...address }) => address),
  );
}
