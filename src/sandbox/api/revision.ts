import type { Operation } from '../../klaviyo/operations.ts';
import { existsUnder, newestRevision, revisions, spanOf } from '../../klaviyo/revisions.ts';
import type { ApiErrors, ApiReply } from '../context/api-error.ts';
import type { SandboxSettings } from '../context/settings.ts';

/** Says how a revision was understood, where it was not served as itself without reserve. */
export const revisionHeader = 'keyshift-sandbox-revision';

const oldestSupported = revisions.find(({ state }) => state !== 'retired')?.date ?? newestRevision;

type Answered = { readonly refusal: ApiReply } | { readonly note: string | undefined };

/**
 * Checks the revision header: 400 for none, for a malformed and for an unknown one, and for a beta
 * operation without its `.pre`; retired ones by the setting. What passes is answered in the form of
 * the newest revision, with a note for the {@link revisionHeader} where that needs saying. Texts are
 * the sandbox's own.
 */
export function checkRevision(
  errors: ApiErrors,
  settings: SandboxSettings,
  operation: Operation,
  sent: string | undefined,
): Answered {
  const invalid = (detail: string) => ({ refusal: errors.invalid(detail) });
  if (!sent) return invalid('The revision header is required, in the form YYYY-MM-DD.');
  if (!/^\d{4}-\d{2}-\d{2}(\.pre)?$/.test(sent) || Number.isNaN(Date.parse(sent.slice(0, 10)))) {
    return invalid('The revision header must have the form YYYY-MM-DD or YYYY-MM-DD.pre.');
  }
  const date = sent.slice(0, 10);
  const suffix = sent.slice(10);
  if (date > newestRevision) {
    const served = newestRevision + suffix;
    return refuseAbsent(errors, operation, served) ?? { note: `served as ${served}` };
  }
  const known = revisions.find((revision) => revision.date === date);
  if (!known) return invalid(`There is no revision ${sent}.`);
  if (known.state !== 'retired') {
    const note = known.state === 'deprecated' ? 'deprecated' : undefined;
    return refuseAbsent(errors, operation, sent) ?? { note };
  }
  switch (settings.retiredRevisions) {
    case 'gone': {
      const detail = `The revision ${sent} is retired.`;
      return { refusal: errors.error({ status: 410, code: 'gone', title: 'Gone.', detail }) };
    }
    case 'forward': {
      const served = oldestSupported + suffix;
      return refuseAbsent(errors, operation, served) ?? { note: `forwarded to ${served}` };
    }
    case 'accept':
      return refuseAbsent(errors, operation, sent) ?? { note: undefined };
  }
}

function refuseAbsent(
  errors: ApiErrors,
  operation: Operation,
  revision: string,
): { readonly refusal: ApiReply } | undefined {
  if (existsUnder(operation, revision)) return undefined;
  const { stableFrom, betaFrom } = spanOf(operation);
  const since = [stableFrom, ...(betaFrom === undefined ? [] : [`${betaFrom}.pre`])];
  const from = since.filter((one) => one !== undefined).join(' or ');
  const detail = `This operation does not exist in the revision ${revision}: it needs ${from} or later.`;
  return { refusal: errors.invalid(detail) };
}
