import type { StoredResource } from '../../state/stored-resource.ts';
import type { ApiCall } from '../api-call.ts';
import { linkedOnly } from '../json-api.ts';
import { present, type Inclusion } from '../resource-kind.ts';
import { collectionOf, type StoredKind } from '../stored-kind.ts';

/** How groups of tags are shown. */
export const tagGroupKind: StoredKind = {
  type: 'tag-group',
  path: 'tag-groups',
  attributes: (_, group) => group.attributes,
  relationships: (_call, _group, self) => linkedOnly(self, ['tags']),
};

/** How tags are shown. */
export const tagKind: StoredKind = {
  type: 'tag',
  path: 'tags',
  attributes: (_, tag) => tag.attributes,
  relationships: (_call, _tag, self) =>
    linkedOnly(self, ['tag-group', 'lists', 'segments', 'campaigns', 'flows']),
  includes: {
    'tag-group': (call, tag, query) => {
      const group = call.resources.of('tag-group').get(tag.related?.['tag-group']?.[0] ?? '');
      return group ? [present(call, query, tagGroupKind, group)] : [];
    },
  },
};

/** What can have tags, under the name of the tag's relationship. */
export type Tagged = 'lists' | 'segments' | 'flows';

/** The tags of a resource. */
export function tagsOf(call: ApiCall, tagged: Tagged, id: string): StoredResource[] {
  return collectionOf(call, tagKind)
    .all()
    .filter((tag) => tag.related?.[tagged]?.includes(id));
}

/** Adds the tags of a resource to an answer. */
export function includeTags(tagged: Tagged): Inclusion<StoredResource> {
  return (call, { id }, query) =>
    tagsOf(call, tagged, id).map((tag) => present(call, query, tagKind, tag));
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
