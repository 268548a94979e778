import type { StoredResource } from '../../state/stored-resource.ts';
import type { ApiCall } from '../api-call.ts';
import { linked, relationTo } from '../relation.ts';
import type { Relation } from '../resource-kind.ts';
import { collectionOf, storedOf, type StoredKind } from '../stored-kind.ts';

/** How groups of tags are shown. */
export const tagGroupKind: StoredKind = {
  type: 'tag-group',
  path: 'tag-groups',
  attributes: (_, group) => group.attributes,
  relations: { tags: linked },
};

/** How tags are shown. */
export const tagKind: StoredKind = {
  type: 'tag',
  path: 'tags',
  attributes: (_, tag) => tag.attributes,
  relations: {
    'tag-group': relationTo(
      () => tagGroupKind,
      (call, tag) => storedOf(call, tagGroupKind, tag.related?.['tag-group']),
      { one: true, data: 'written' },
    ),
    lists: linked,
    segments: linked,
    campaigns: linked,
    flows: linked,
  },
};

/** What can have tags, under the name of the tag's relationship. */
export type Tagged = 'lists' | 'segments' | 'flows' | 'campaigns';

/** The tags of a resource. */
export function tagsOf(call: ApiCall, tagged: Tagged, id: string): StoredResource[] {
  return collectionOf(call, tagKind)
    .all()
    .filter((tag) => tag.related?.[tagged]?.includes(id));
}

/** The relationship to the tags of a resource. */
export function tagsRelation(tagged: Tagged): Relation<StoredResource> {
  return relationTo(
    () => tagKind,
    (call, { id }) => tagsOf(call, tagged, id),
  );
}

/** Takes every tag off a resource that ends. */
export function forgetTagged(call: ApiCall, tagged: Tagged, id: string): void {
  for (const tag of tagsOf(call, tagged, id))
    setTagged(call, tag, tagged, (ids) => without(ids, id));
}

/** Changes what has a tag. */
export function setTagged(
  call: ApiCall,
  tag: StoredResource,
  tagged: Tagged,
  change: (ids: readonly string[]) => readonly string[],
): void {
  const related = { ...tag.related, [tagged]: change(tag.related?.[tagged] ?? []) };
  collectionOf(call, tagKind).replace({ ...tag, related });
}

function without(ids: readonly string[], id: string): string[] {
  return ids.filter((other) => other !== id);
}
