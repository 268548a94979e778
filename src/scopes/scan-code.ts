import { findSdkMethod } from '../klaviyo/sdk-methods.ts';
import type { IsKlaviyoHost } from './call-host.ts';
import { guessMethod } from './http-method-hints.ts';
import {
  definesApiBase,
  findPathLiterals,
  findRelativePaths,
  isRequest,
  markInsertions,
} from './path-literals.ts';
import { interpretCall, type CallMeaning, type Sighting } from './sighting.ts';

/** What the other files of a project say about one of them. */
export interface ProjectBase {
  /** Names of the files and classes that hold the API's address, such as `KlaviyoClient`. */
  readonly names: ReadonlySet<string>;
}

/** Names too common to tell that a file uses the one that holds the API's address. */
const commonNames =
  /^(?:__init__|index|main|app|api|base|client|common|config|constants?|http|request|service|settings|utils?)$/i;

/**
 * The names by which other files may speak of this one, when it holds the API's address; else
 * `undefined`.
 */
export function findBaseNames(text: string, file: string): string[] | undefined {
  if (!definesApiBase(text)) return undefined;
  const module = /([^/\\]+?)\.\w+$/.exec(file)?.[1] ?? '';
  const classes = [...text.matchAll(/\b(?:class|module|interface|struct|trait)\s+([A-Za-z_]\w+)/g)];
  return [module, ...classes.map(([, name = '']) => name)].filter(
    (name) => name.length > 2 && !commonNames.test(name),
  );
}

/**
 * Finds the uses of Klaviyo's API in a source file of any language: calls of SDK methods, and
 * addresses with the method that stands near them. It reads text and runs nothing, so that it can
 * miss what is put together at run time; whatever it finds comes with its line, to be looked up.
 * What may be the application's own is `uncertain`.
 *
 * @param file the name to show
 * @param base present when another file of the project holds the API's address
 * @example
 * ```ts
 * scanCode("await profilesApi.getProfiles()", 'sync.ts', isKlaviyo); // [{ kind: 'operation', … }]
 * ```
 */
export function scanCode(
  text: string,
  file: string,
  isKlaviyo: IsKlaviyoHost,
  base?: ProjectBase,
): Sighting[] {
  const isAboutKlaviyo = /klaviyo/i.test(text);
  const usesBase =
    base !== undefined &&
    (isAboutKlaviyo || /klaviyo/i.test(file) || wordsOf(text).some((word) => base.names.has(word)));
  const lines = text.split(/\r?\n/).map((line) => (isComment(line) ? '' : line));
  const addresses = findAddresses(lines, {
    isAboutKlaviyo: isAboutKlaviyo || usesBase,
    hasBase: usesBase || definesApiBase(text) ? 'yes' : base ? 'elsewhere' : 'no',
    isKlaviyo,
  });
  return [
    ...findSdkCalls(lines, isAboutKlaviyo).map(({ line, ...call }) => ({
      ...call,
      source: 'code' as const,
      count: 1,
      where: `${file}:${line}`,
    })),
    ...addresses.map(({ line, isSure, ...call }) => ({
      ...(isSure ? interpretCall(call.method, call.path) : doubt(call)),
      ...call,
      source: 'code' as const,
      count: 1,
      where: `${file}:${line}`,
    })),
  ];
}

function wordsOf(text: string): string[] {
  return text.match(/[A-Za-z_]\w+/g) ?? [];
}

function isComment(line: string): boolean {
  return /^\s*(\/\/|#(?![{![])|\*|\/\*|--\s|<!--)/.test(line);
}

const member = /(?<=([\w$]*)(?:\([^()]*\))?\s*)(?:\?\.|\.|->|::)\s*([A-Za-z]\w*)/g;
const startsWithMember = /^\s*(?:\?\.|\.|->|::)/;
const lastName = /([\w$]+)(?:\([^()]*\))?\s*$/;
const resources =
  'Accounts|Campaigns|Catalogs|Coupons|DataPrivacy|Events|Flows|Forms|Images|Lists|Metrics|Profiles|Reporting|Reviews|Segments|Tags|Templates|TrackingSettings|WebFeeds|Webhooks';
/** The SDKs' classes, so that a file need not name Klaviyo itself. */
const sdkClass = new RegExp(`^\\$?(?:New)?(?:${resources}|ApiKeys?)Api$`, 'i');
/** What holds the methods in a file that names Klaviyo. */
const sdkReceiver = new RegExp(`^\\$?(?:\\w*klaviyo\\w*|${resources})$`, 'i');
const noClient = /(?:config\w*|settings?|options?|helper|repository|model|view)$/i;
/** `api = new ProfilesApi(…)`, `client = KlaviyoAPI(…)`. */
const sdkVariable = new RegExp(
  `([\\w$]+)["']?\\s*(?::?=|:|=>)\\s*(?:await\\s+)?(?:new\\s+)?(?:[\\w.]+(?:\\.|::|\\\\))?(?:New)?(?:\\w*klaviyo\\w*|(?:${resources})Api)\\b`,
  'gi',
);

type SdkCall = {
  readonly line: number;
  readonly method: string;
  readonly path: string;
} & CallMeaning;

function findSdkCalls(lines: readonly string[], isAboutKlaviyo: boolean): SdkCall[] {
  const variables = new Set(
    lines.flatMap((line) => [...line.matchAll(sdkVariable)].map(([, name = '']) => name)),
  );
  const isSdk = (receiver: string) =>
    sdkClass.test(receiver) ||
    (isAboutKlaviyo &&
      !noClient.test(receiver) &&
      (sdkReceiver.test(receiver) || variables.has(receiver)));
  return lines.flatMap((line, index) =>
    [...line.matchAll(member)].flatMap(([, sameLine = '', name = '']): SdkCall[] => {
      const operation = findSdkMethod(name);
      if (!operation) return [];
      const receiver =
        sameLine === '' && startsWithMember.test(line)
          ? (lastName.exec(lines[index - 1] ?? '')?.[1] ?? '')
          : sameLine;
      const call = { line: index + 1, method: operation.method, path: operation.path };
      if (isSdk(receiver)) return [{ ...call, kind: 'operation', operation }];
      return isAboutKlaviyo ? [{ ...call, kind: 'uncertain', candidates: [operation] }] : [];
    }),
  );
}

interface Address {
  readonly line: number;
  readonly method: string | undefined;
  readonly path: string;
  readonly isSure: boolean;
}

/** A short path in a file of which it is not clear that it speaks to Klaviyo. */
function doubt({ method, path }: Pick<Address, 'method' | 'path'>): CallMeaning {
  const meaning = interpretCall(method, path);
  if (meaning.kind === 'operation') return { kind: 'uncertain', candidates: [meaning.operation] };
  return meaning.kind === 'ambiguous' ? { ...meaning, kind: 'uncertain' } : meaning;
}

/** Routes that the application itself serves under a similar path. */
const ownRoute =
  /\b(?:app|router|server|fastify|api|routes?)\.(?:get|post|put|patch|delete|use|route|all)\s*\(|@\w*\.?(?:route|get|post|put|patch|delete|(?:Get|Post|Put|Patch|Delete|Request)Mapping)\s*\(|\bRoute::/i;

interface AddressContext {
  readonly isAboutKlaviyo: boolean;
  /** Whether short paths are Klaviyo's: this file speaks to its API, another one does, or none. */
  readonly hasBase: 'yes' | 'elsewhere' | 'no';
  readonly isKlaviyo: IsKlaviyoHost;
}

function findAddresses(
  lines: readonly string[],
  { isAboutKlaviyo, hasBase, isKlaviyo }: AddressContext,
): Address[] {
  const marked = lines.map(markInsertions);
  const literalsOf = (line: string) => {
    if (ownRoute.test(line)) return [];
    const found = findPathLiterals(line)
      .filter(({ host }) => (host === undefined ? isAboutKlaviyo : isKlaviyo(host)))
      .map((each) => ({ ...each, isSure: true }));
    if (found.length > 0 || hasBase === 'no') return found;
    return findRelativePaths(line)
      .filter(({ column }) => hasBase === 'yes' || isRequest(line.slice(0, column)))
      .map((each) => ({ ...each, isSure: hasBase === 'yes' && each.looks === 'path' }));
  };
  const isAddress = (line: string) => literalsOf(line).length > 0;
  return marked.flatMap((line, index) =>
    literalsOf(line)
      .map(({ path, host, column, isSure }) => ({
        line: index + 1,
        method: guessMethod(marked, index, column, isAddress),
        path,
        host,
        isSure,
      }))
      // Without Klaviyo's host, a path that Klaviyo does not know belongs to somebody else.
      .filter(
        ({ host, path, method, isSure }) =>
          host !== undefined || interpretCall(isSure ? undefined : method, path).kind !== 'unknown',
      )
      .map(({ host: _host, ...address }) => address),
  );
}
