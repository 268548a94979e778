import { createHostCheck } from './call-host.ts';
import { readAccessLog } from './read-access-log.ts';
import { readHar } from './read-har.ts';
import { readFileLines } from './read-lines.ts';
import { scanCode } from './scan-code.ts';
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
  let sourceFiles = 0;
  let logLines = 0;
  for (const root of code) {
    for await (const { name, text } of readSourceFiles(root)) {
      sourceFiles += 1;
      sightings.push(...scanCode(text, name, isKlaviyo));
    }
  }
  for (const file of logs) {
    const read = await readAccessLog(readFileLines(file, onLogBytes), file, isKlaviyo);
    sightings.push(...read.sightings);
    logLines += read.lines;
  }
  for (const file of hars) {
    sightings.push(...(await readHar(file, isKlaviyo)));
  }
  return { sightings, sourceFiles, logLines };
}
