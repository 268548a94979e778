import { z } from 'zod';
import type { JsonObject } from '../../state/json.ts';
import type { StoredResource } from '../../state/stored-resource.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { readWrite } from '../body.ts';
import { linked, relatedOnly, relationTo } from '../relation.ts';
import {
  addStored,
  collectionOf,
  getStored,
  listStored,
  refuseStrangers,
  relation,
  storedOf,
  type StoredKind,
} from '../stored-kind.ts';
import { identifierOf } from './bodies.ts';
import { listKind } from './group-kind.ts';
import { beginJob, type JobOutcome } from './jobs.ts';
import { profileKind } from './profile-kind.ts';
import { refuseMeta } from './profile-meta.ts';
import { upsertProfile, writeProfile, type NotWritten, type Written } from './profiles.ts';

const jobKind: StoredKind = {
  type: 'profile-bulk-import-job',
  path: 'profile-bulk-import-jobs',
  attributes: (_, job) => job.attributes,
  relations: {
    lists: relationTo(
      () => listKind,
      (call, { related }) => storedOf(call, listKind, related?.['lists']),
      { data: 'always' },
    ),
    profiles: linked,
    'import-errors': relatedOnly,
  },
};

const errorKind: StoredKind = {
  type: 'import-error',
  path: 'import-errors',
  attributes: (_, error) => error.attributes,
};

const body = z.strictObject({
  data: z.strictObject({
    type: z.literal('profile-bulk-import-job'),
    attributes: z.strictObject({
      profiles: z.strictObject({ data: z.array(upsertProfile).min(1).max(10_000) }),
    }),
    relationships: z
      .strictObject({ lists: z.strictObject({ data: z.array(identifierOf('list')) }).optional() })
      .optional(),
  }),
});

/**
 * `POST /api/profile-bulk-import-jobs`: creates or updates each profile and puts it on the lists. A
 * profile that cannot be written becomes an import error of the job; the others are written.
 */
const bulkImport: ApiHandler = (call) => {
  const read = readWrite(call, body);
  if ('refusal' in read) return read.refusal;
  const { attributes, relationships } = read.body.data;
  const lists = (relationships?.lists?.data ?? []).map(({ id }) => id);
  const strangers = refuseStrangers(call, listKind, lists);
  if (strangers) return strangers.refusal;
  const sent = attributes.profiles.data;
  for (const { meta } of sent) {
    const refused = refuseMeta(call, meta);
    if (refused) return refused;
  }
  return beginJob(call, read.query, jobKind, {
    shape: { status: 'queued', failures: 'failed_count', besides: ['started_at', 'expires_at'] },
    total: sent.length,
    related: { lists },
    run: (job) => importProfiles(call, job, { sent, lists }),
  });
};

interface Import {
  readonly sent: readonly z.infer<typeof upsertProfile>[];
  readonly lists: readonly string[];
}

function importProfiles(call: ApiCall, job: StoredResource, { sent, lists }: Import): JobOutcome {
  const outcomes = sent.map((profile) => writeProfile(call, profile));
  const joinedMs = call.context.clock.now();
  const profiles = outcomes.flatMap((written) => (isWritten(written) ? [written.profile.id] : []));
  for (const groupId of lists) {
    for (const profileId of profiles) {
      call.resources.memberships.add({ groupId, profileId, joinedMs });
    }
  }
  for (const [index, written] of outcomes.entries()) {
    if (!isWritten(written)) addError(call, job.id, index, written, sent[index] as JsonObject);
  }
  const failed = outcomes.filter((written) => !isWritten(written)).length;
  return { failed, related: { profiles: [...new Set(profiles)] } };
}

function isWritten(written: Written): written is Exclude<Written, NotWritten> {
  return written.outcome === 'created' || written.outcome === 'updated';
}

const details = {
  unknown: 'There is no profile with this id.',
  nameless: 'A profile needs an identifier.',
  conflict: 'An identifier belongs to another profile.',
} as const satisfies Record<NotWritten['outcome'], string>;

function addError(
  call: ApiCall,
  jobId: string,
  index: number,
  { outcome }: NotWritten,
  payload: JsonObject,
): void {
  const attributes: JsonObject = {
    code: outcome === 'conflict' ? 'duplicate_profile' : 'invalid',
    title: 'Invalid input.',
    detail: details[outcome],
    source: { pointer: `/data/attributes/profiles/data/${index}` },
    original_payload: payload,
  };
  const id = call.context.random.id();
  addStored(call, errorKind, attributes, { id, related: { job: [jobId] } });
}

const profiles = relation(jobKind, profileKind, (call, { related }) =>
  (related?.['profiles'] ?? []).flatMap((id) => call.resources.profiles.get(id) ?? []),
);
const lists = relation(jobKind, listKind, (call, { related }) =>
  storedOf(call, listKind, related?.['lists']),
);
const errors = relation(jobKind, errorKind, (call, { id }) =>
  collectionOf(call, errorKind)
    .all()
    .filter(({ related }) => related?.['job']?.includes(id)),
);

export const profileImportHandlers: HandlerTable = {
  bulk_import_profiles: bulkImport,
  get_bulk_import_profiles_jobs: listStored(jobKind),
  get_bulk_import_profiles_job: getStored(jobKind),
  get_errors_for_bulk_import_profiles_job: errors.related,
  get_profiles_for_bulk_import_profiles_job: profiles.related,
  get_profile_ids_for_bulk_import_profiles_job: profiles.identifiers,
  get_list_for_bulk_import_profiles_job: lists.related,
  get_list_ids_for_bulk_import_profiles_job: lists.identifiers,
};
