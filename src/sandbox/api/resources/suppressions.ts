import { z } from 'zod';
import type { JsonObject, JsonValue } from '../../state/json.ts';
import type { Profile } from '../../state/profile.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { readWrite } from '../body.ts';
import { isoTime, linkedOnly } from '../json-api.ts';
import { collectionOf, getStored, listStored, type StoredKind } from '../stored-kind.ts';
import { identifierOf } from './bodies.ts';
import { isSuppressed, withChannel } from './consent.ts';
import { listKind, membersOf, segmentKind } from './group-kind.ts';
import { addJob, queuedReply } from './jobs.ts';
import { findProfile } from './profiles.ts';

type Suppression = 'create' | 'delete';

const kinds = {
  create: jobKind('profile-suppression-bulk-create-job'),
  delete: jobKind('profile-suppression-bulk-delete-job'),
} as const satisfies Record<Suppression, StoredKind>;

function jobKind(type: string): StoredKind {
  return {
    type,
    path: `${type}s`,
    attributes: (_, job) => job.attributes,
    relationships: (_call, _job, self) => linkedOnly(self, ['lists', 'segments']),
    values: { created: (_, { createdMs }) => createdMs },
  };
}

const bodyOf = (type: string) =>
  z.strictObject({
    data: z.strictObject({
      type: z.literal(type),
      attributes: z
        .strictObject({
          profiles: z
            .strictObject({
              data: z
                .array(
                  z.strictObject({
                    type: z.literal('profile'),
                    attributes: z.strictObject({ email: z.email() }),
                  }),
                )
                .min(1)
                .max(100),
            })
            .nullish(),
        })
        .default({}),
      relationships: z
        .strictObject({
          list: z.strictObject({ data: identifierOf('list') }).optional(),
          segment: z.strictObject({ data: identifierOf('segment') }).optional(),
        })
        .optional(),
    }),
  });

type Body = z.infer<ReturnType<typeof bodyOf>>;

/**
 * Begins a job over the profiles of the body, a list or a segment. Addresses that no profile has,
 * and profiles that are already as they should be, are skipped (assumed).
 */
function suppressionJob(what: Suppression): ApiHandler {
  const kind = kinds[what];
  const schema = bodyOf(kind.type);
  return (call) => {
    const read = readWrite(call, schema);
    if ('refusal' in read) return read.refusal;
    const named = profilesOf(call, read.body);
    if ('missing' in named) return call.errors.notFound(named.missing, named.id);
    const { profiles, related } = named;
    if (profiles.length === 0 && Object.keys(related).length === 0) {
      return call.errors.invalid('Profiles, a list or a segment must be supplied.');
    }
    let skipped = 0;
    for (const profile of profiles) {
      if (profile && isSuppressed(profile) === (what === 'delete')) {
        call.resources.replaceProfile(suppressed(call, profile, what));
      } else skipped++;
    }
    const outcome = { total: profiles.length, failed: skipped, related };
    const job = addJob(call, kind, { failures: 'skipped_count', times: [] }, outcome);
    return queuedReply(call, read.query, kind, job);
  };
}

type Named =
  | {
      readonly profiles: readonly (Profile | undefined)[];
      readonly related: Readonly<Record<string, readonly string[]>>;
    }
  | { readonly missing: string; readonly id: string };

function profilesOf(call: ApiCall, { data: { attributes, relationships } }: Body): Named {
  const profiles: (Profile | undefined)[] = (attributes.profiles?.data ?? []).map((one) =>
    findProfile(call, one.attributes),
  );
  const related: Record<string, string[]> = {};
  for (const kind of [listKind, segmentKind]) {
    const id = relationships?.[kind.type as 'list' | 'segment']?.data.id;
    if (id === undefined) continue;
    if (!collectionOf(call, kind).get(id)) return { missing: kind.type, id };
    related[kind.path] = [id];
    profiles.push(...membersOf(call, id).map(({ profile }) => profile));
  }
  return { profiles, related };
}

function suppressed(call: ApiCall, profile: Profile, what: Suppression): Profile {
  const nowMs = call.context.clock.now();
  const entry: JsonObject = { reason: 'USER_SUPPRESSED', timestamp: isoTime(nowMs) };
  const suppression: JsonValue = what === 'create' ? [entry] : [];
  return { ...withChannel(profile, 'email.marketing', { suppression }), updatedMs: nowMs };
}

export const suppressionHandlers: HandlerTable = {
  bulk_suppress_profiles: suppressionJob('create'),
  get_bulk_suppress_profiles_jobs: listStored(kinds.create),
  get_bulk_suppress_profiles_job: getStored(kinds.create),
  bulk_unsuppress_profiles: suppressionJob('delete'),
  get_bulk_unsuppress_profiles_jobs: listStored(kinds.delete),
  get_bulk_unsuppress_profiles_job: getStored(kinds.delete),
};
