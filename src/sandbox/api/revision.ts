import { betaRevision, operationsRevision } from '../../klaviyo/operations.ts';

/** Revisions Klaviyo has published, with the one of the operations table. */
const publishedRevisions = new Set([
  '2022-10-17',
  '2022-12-15',
  '2023-01-24',
  '2023-02-22',
  '2023-06-15',
  '2023-07-15',
  '2023-08-15',
  '2023-09-15',
  '2023-10-15',
  '2023-12-15',
  '2024-02-15',
  '2024-05-15',
  '2024-06-15',
  '2024-07-15',
  '2024-10-15',
  '2025-01-15',
  '2025-04-15',
  '2025-07-15',
  '2025-10-15',
  '2026-01-15',
  '2026-04-15',
  operationsRevision,
  '2026-10-15',
]);

/**
 * Checks the revision header; answers what is wrong with it, if anything. Texts are the sandbox's
 * own. Old revisions are accepted but answered in the form of the newest.
 *
 * @param isBeta whether the operation exists only under the beta revision
 */
export function refuseRevision(revision: string | undefined, isBeta: boolean): string | undefined {
  if (!revision) return 'The revision header is required, in the form YYYY-MM-DD.';
  if (!/^\d{4}-\d{2}-\d{2}(\.pre)?$/.test(revision)) {
    return 'The revision header must have the form YYYY-MM-DD or YYYY-MM-DD.pre.';
  }
  const known = publishedRevisions.has(revision.replace(/\.pre$/, '')) || revision === betaRevision;
  if (!known) return `There is no revision ${revision}.`;
  if (isBeta && revision !== betaRevision) {
    return `This operation is in beta: it needs the revision ${betaRevision}.`;
  }
  return undefined;
}
