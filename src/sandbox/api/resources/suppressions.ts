import { z } from 'zod';
import type { JsonObject, JsonValue } from '../../state/json.ts';
import type { Profile } from '../../state/profile.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { readWrite } from '../body.ts';
import { isoTime } from '../json-api.ts';
import { relationTo } from '../relation.ts';
import { collectionOf, getStored, listStored, storedOf, type StoredKind } from '../stored-kind.ts';
import { identifierOf } from './bodies.ts';
import { isSuppressed, withChannel } from './consent.ts';
import { listKind, membersOf, membersOfSegment, segmentKind } from './group-kind.ts';
import { beginJob } from './jobs.ts';
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
    relations: {
      lists: relationTo(
        () => listKind,
        (call, { related }) => storedOf(call, listKind, related?.['lists']),
        { data: 'filled' },
      ),
      segments: relationTo(
        () => segmentKind,
        (call, { related }) => storedOf(call, segmentKind, related?.['segments']),
        { data: 'filled' },
      ),
    },
    values: {
      created: (_, { createdMs }) => createdMs,
      list_id: (_, { related }) => related?.['lists']?.[0] ?? null,
      segment_id: (_, { related }) => related?.['segments']?.[0] ?? null,
    },
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
    const { attributes, relationships } = read.body.data;
    if (attributes.profiles && (relationships?.list || relationships?.segment)) {
      const detail = 'Profiles and a list or segment cannot be supplied together.';
      return call.errors.invalid(detail);
    }
    const named = profilesOf(call, read.body);
    if ('missing' in named) return call.errors.notFound(named.missing, named.id);
    const { profiles, related } = named;
    if (profiles.length === 0 && Object.keys(related).length === 0) {
      return call.errors.invalid('Profiles, a list or a segment must be supplied.');
    }
    return beginJob(call, read.query, kind, {
      shape: { status: 'processing', failures: 'skipped_count', besides: [], isDatedAtOnce: true },
      total: profiles.length,
      related,
      run() {
        let skipped = 0;
        for (const known of profiles) {
          const profile = known && call.resources.profiles.get(known.id);
          if (profile && isSuppressed(profile) === (what === 'delete')) {
            call.resources.replaceProfile(suppressed(call, profile, what));
          } else skipped++;
        }
        return { failed: skipped };
      },
    });
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
    related[kind.path] = [id];
    const group = collectionOf(call, kind).get(id);
    if (!group) return { missing: kind.type, id };
    const members = kind === segmentKind ? membersOfSegment(call, group) : membersOf(call, id);
    profiles.push(...members.map(({ profile }) => profile));
  }
  return { profiles, related };
}

function suppressed(call: ApiCall, profile: Profile, what: Suppression): Profile {
  const nowMs = call.context.clock.now();
  const entry: JsonObject = { reason: 'USER_SUPPRESSED', timestamp: isoTime(nowMs) };
  const suppression: JsonValue = what === 'create' ? [entry] : [];
  const change = { suppression, last_updated: isoTime(nowMs) };
  return { ...withChannel(profile, 'email.marketing', change), updatedMs: nowMs };
}

export const suppressionHandlers: HandlerTable = {
  bulk_suppress_profiles: suppressionJob('create'),
  get_bulk_suppress_profiles_jobs: listStored(kinds.create),
  get_bulk_suppress_profiles_job: getStored(kinds.create),
  bulk_unsuppress_profiles: suppressionJob('delete'),
  get_bulk_unsuppress_profiles_jobs: listStored(kinds.delete),
  get_bulk_unsuppress_profiles_job: getStored(kinds.delete),
};
