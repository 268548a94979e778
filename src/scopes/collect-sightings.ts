import { createHostCheck } from './call-host.ts';
import { readAccessLog } from './read-access-log.ts';
import { readHar } from './read-har.ts';
import { readFileLines } from './read-lines.ts';
import { findBaseNames, scanCode, type ProjectBase } from './scan-code.ts';
import { readSourceFiles } from './scan-folder.ts';
import type { Sighting } from './sighting.ts';

/** Files that may show what an integration calls. */
export interface ScopeSources {
  /** Folders with source code, or single files. */
  readonly code: readonly string[];
  /** Access logs; `.gz` and `-` for standard input too. */
  readonly logs: readonly string[];
  readonly hars: readonly string[];
  /** Hosts besides Klaviyo's that stand for it in logs and code. */
  readonly hosts: readonly string[];
}

/** What was read to find the sightings. */
export interface CollectedSightings {
  readonly sightings: readonly Sighting[];
  readonly sourceFiles: number;
  readonly logLines: number;
  /** Lines of the logs in which no request was recognised. */
  readonly unreadLogLines: number;
  /** Folders and files that were not scanned and may be the application's own. */
  readonly leftOut: readonly string[];
}

/**
 * Reads every source, one after the other.
 *
 * @param onLogBytes told how many bytes of the logs were read since it was last told
 * @throws KeyshiftError `request_invalid` when one cannot be read
 */
export async function collectSightings(
  { code, logs, hars, hosts }: ScopeSources,
  onLogBytes: (count: number) => void = () => undefined,
): Promise<CollectedSightings> {
  const isKlaviyo = createHostCheck(hosts);
  const sightings: Sighting[] = [];
  const leftOut: string[] = [];
  let sourceFiles = 0;
  let logLines = 0;
  let unreadLogLines = 0;
  const base = await findBase(code);
  for (const root of code) {
    for await (const { name, text } of readSourceFiles(root, (each) => leftOut.push(each))) {
      sourceFiles += 1;
      sightings.push(...scanCode(text, name, isKlaviyo, base));
    }
  }
  if (base && sightings.length === 0) sightings.push(unresolvedBase(base));
  for (const file of logs) {
    const read = await readAccessLog(readFileLines(file, onLogBytes), file, isKlaviyo);
    sightings.push(...read.sightings);
    logLines += read.lines;
    unreadLogLines += read.unreadLines;
  }
  for (const file of hars) {
    sightings.push(...(await readHar(file, isKlaviyo)));
  }
  return { sightings, sourceFiles, logLines, unreadLogLines, leftOut };
}

/** Goes over the code once before the scan: the API's address may stand in one file for all. */
async function findBase(code: readonly string[]): Promise<FoundBase | undefined> {
  const names = new Set<string>();
  const where: string[] = [];
  for (const root of code) {
    for await (const { name, text } of readSourceFiles(root)) {
      const found = findBaseNames(text, name);
      if (!found) continue;
      where.push(name);
      for (const each of found) names.add(each);
    }
  }
  return where.length > 0 ? { names, where } : undefined;
}

interface FoundBase extends ProjectBase {
  readonly where: readonly string[];
}

/** The API's address without a single path: they are put together where a scan cannot see it. */
function unresolvedBase({ where }: FoundBase): Sighting {
  return {
    kind: 'unknown',
    source: 'code',
    method: undefined,
    path: '(addresses that are put together at run time)',
    count: where.length,
    where: where.join(', '),
  };
}
