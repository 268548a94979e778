import type { Operation } from '../../../klaviyo/operations.ts';
import data from './query-rules.json' with { type: 'json' };

/** The operators of Klaviyo's filters. */
export type FilterOperator =
  | 'any'
  | 'contains'
  | 'ends-with'
  | 'equals'
  | 'greater-or-equal'
  | 'greater-than'
  | 'has'
  | 'less-or-equal'
  | 'less-than'
  | 'starts-with';

/** The query parameters an operation takes, and what each allows. Absent: not taken. */
export interface QueryRules {
  /** `fields[<type>]`: the fields by type of resource. */
  readonly fields?: Readonly<Record<string, readonly string[]>>;
  /** `additional-fields[<type>]` */
  readonly additional?: Readonly<Record<string, readonly string[]>>;
  readonly include?: readonly string[];
  /** Keys of `sort`, without the minus for descending. */
  readonly sort?: readonly string[];
  /** Operators by field. */
  readonly filter?: Readonly<Record<string, readonly FilterOperator[]>>;
  /** Whether it takes `page[cursor]`. */
  readonly cursor?: boolean;
  /** Parameters that must be given. */
  readonly required?: readonly string[];
  /** `page[size]` */
  readonly size?: { readonly default: number; readonly min: number; readonly max: number };
}

interface StoredRules extends Omit<QueryRules, 'fields'> {
  /** Numbers of lists in `fieldLists`. */
  readonly fields?: Readonly<Record<string, number>>;
}

/** The beta operations, which no SDK describes (facts from Klaviyo's beta pages). */
const betaFields = { 'api-key': ['created', 'id', 'name', 'redacted_key', 'scopes', 'status'] };
const betaRules: QueryRules = { fields: betaFields, additional: { 'api-key': ['redacted_key'] } };

const installFields = { 'application-install': ['id', 'installed_at'] };
const applicationFields = {
  application: [
    ...['articles', 'banner_image_url', 'categories', 'client_id', 'created_at', 'description'],
    ...['developed_by', 'features', 'gallery_items', 'icon_url', 'id', 'install_url', 'name'],
    ...['oauth_callback_urls', 'preferences_link', 'pricing_information_link'],
    ...['privacy_policy_link', 'scopes', 'short_description', 'status', 'support_link', 'video'],
    'website_link',
  ],
};
const pages: QueryRules = { cursor: true, size: { default: 25, min: 1, max: 100 } };
const installRules: QueryRules = {
  fields: { ...installFields, ...applicationFields },
  include: ['application'],
};
const applicationRules: Readonly<Record<string, QueryRules>> = {
  get_application_installs_beta: { ...installRules, ...pages },
  get_application_install_beta: installRules,
  get_application_for_application_install_beta: { fields: applicationFields },
  get_installs_for_application_beta: { fields: installFields, ...pages },
  get_install_ids_for_application_beta: pages,
  get_applications_beta: { fields: applicationFields, ...pages },
  get_application_beta: { fields: applicationFields },
};

const noRules: QueryRules = {};

const rules: ReadonlyMap<string, QueryRules> = new Map([
  ...Object.entries(data.operations as Readonly<Record<string, StoredRules>>).map(
    ([id, stored]) => [id, withFields(stored)] as const,
  ),
  ...Object.entries(applicationRules),
  ...['get_api_keys_beta', 'get_api_key_beta', 'update_api_key_beta'].map(
    (id) => [id, betaRules] as const,
  ),
]);

/** The rules of an operation. Source: Klaviyo's SDK, see `query-rules.json`. */
export function queryRulesOf(operationId: string): QueryRules {
  return rules.get(operationId) ?? noRules;
}

/** Lists that show `next` and `prev` though they take no cursor; whole collections do too (recorded). */
const pagedRelations: ReadonlySet<string> = new Set([
  'get_lists_for_profile',
  'get_list_ids_for_profile',
  'get_segments_for_profile',
  'get_segment_ids_for_profile',
  'get_push_tokens_for_profile',
  'get_push_token_ids_for_profile',
  'get_tags_for_tag_group',
  'get_tag_ids_for_tag_group',
]);

/** Whether a list says which pages are next to it. */
export function isPaged({ id, path }: Operation): boolean {
  return queryRulesOf(id).cursor === true || path.split('/').length === 3 || pagedRelations.has(id);
}

/** Whether a page names the one before it: those of what a job imported do not (recorded). */
export function namesPrevious({ id }: Operation): boolean {
  return !id.endsWith('_for_bulk_import_profiles_job');
}

function withFields({ fields, ...stored }: StoredRules): QueryRules {
  if (!fields) return stored;
  const lists = Object.entries(fields).map(([type, index]) => [type, data.fieldLists[index] ?? []]);
  return { ...stored, fields: Object.fromEntries(lists) as Record<string, string[]> };
}
