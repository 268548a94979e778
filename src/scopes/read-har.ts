import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { apiPathOf, type IsKlaviyoHost } from './call-host.ts';
import { createCallTally } from './call-tally.ts';
import { unreadableFile } from './read-lines.ts';
import { interpretCall, type Sighting } from './sighting.ts';

/** Of a HAR file, only what is needed: headers and bodies, which hold secrets, are never read. */
const harSchema = z.object({
  log: z.object({
    entries: z.array(z.object({ request: z.object({ method: z.string(), url: z.string() }) })),
  }),
});

/**
 * Reads the calls of Klaviyo's API out of a HAR file (HTTP Archive 1.2), as browsers and proxies
 * save it.
 *
 * @throws KeyshiftError `request_invalid` when the file cannot be read or is no HAR file
 */
export async function readHar(file: string, isKlaviyo: IsKlaviyoHost): Promise<Sighting[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw unreadableFile(file, cause);
  });
  const tally = createCallTally();
  for (const { request } of parseHar(text, file).log.entries) {
    const path = apiPathOf(request.url, isKlaviyo);
    if (path === undefined) continue;
    tally.add(request.method.toUpperCase(), path, interpretCall(request.method, path));
  }
  return tally.sightings('har', file);
}

function parseHar(text: string, file: string): z.infer<typeof harSchema> {
  try {
    return harSchema.parse(JSON.parse(text.replace(/^\uFEFF/, '')));
  } catch (cause) {
    throw new KeyshiftError('request_invalid', `${file} is not a HAR file.`, {
      cause,
      fix: 'Save it from the network panel of a browser, or from a proxy, as HAR.',
    });
  }
}
