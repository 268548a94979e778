/**
 * What each scope of Klaviyo's API lets an integration do, in words for the person who consents.
 * Every phrase completes the sentence "The integration will be able to …".
 */
const scopeDescriptions = {
  'accounts:read': 'See the name, id and contact details of your account',
  'campaigns:read': 'See your campaigns and how they perform',
  'campaigns:write': 'Create, change, send, cancel and delete campaigns',
  'catalogs:read': 'See the products and categories in your catalog',
  'catalogs:write': 'Add, change and delete products and categories in your catalog',
  'conversations:read': 'See conversations with your customers',
  'conversations:write': 'Send messages in conversations with your customers',
  'coupon-codes:read': 'See your coupon codes',
  'coupon-codes:write': 'Create, change and delete coupon codes',
  'coupons:read': 'See your coupons',
  'coupons:write': 'Create, change and delete coupons',
  'credentials:read': 'See which API keys exist and what they may do (never the full keys)',
  'credentials:write': 'Rename API keys, turn them on or off and change what they may do',
  'custom-objects:read': 'See your custom objects: where they come from, their fields and records',
  'custom-objects:write': 'Create, change and delete custom objects, their fields and records',
  'data-privacy:write': 'Ask Klaviyo to delete a person and their data for good',
  'events:read': 'See what people did (events such as orders and page views)',
  'events:write': 'Record what people do (events such as orders and page views)',
  'flows:read': 'See your flows and how they perform',
  'flows:write': 'Create, change, switch on or off and delete flows',
  'forms:read': 'See your sign-up forms and how they perform',
  'forms:write': 'Create and delete sign-up forms',
  'images:read': 'See the images in your account',
  'images:write': 'Upload images and change their details',
  'lists:read': 'See your lists',
  'lists:write': 'Create, change and delete lists, and add or remove people',
  'metrics:read': 'See your metrics and their totals',
  'metrics:write': 'Create, change and delete custom metrics',
  'profiles:read': 'See the people in your lists (profiles)',
  'profiles:write': 'Add, change and merge people (profiles)',
  'push-tokens:read': 'See which devices receive your push notifications',
  'push-tokens:write': 'Add and remove devices that receive your push notifications',
  'reviews:read': 'See your product reviews',
  'reviews:write': 'Change product reviews, for example publish or reject them',
  'segments:read': 'See your segments and how they grow',
  'segments:write': 'Create, change and delete segments',
  'subscriptions:read': 'See requests that stopped or resumed messages to people',
  'subscriptions:write': 'Subscribe and unsubscribe people, and stop or resume messages to them',
  'tags:read': 'See your tags and what carries them',
  'tags:write': 'Create, change and delete tags, and put them on or take them off',
  'templates:read': 'See your message templates',
  'templates:write': 'Create, change and delete message templates',
  'tracking-settings:read': 'See how links in your messages are tracked',
  'tracking-settings:write': 'Change how links in your messages are tracked',
  'web-feeds:read': 'See your web feeds',
  'web-feeds:write': 'Create, change and delete web feeds',
  'webhooks:read': 'See where Klaviyo sends news about your account (webhooks)',
  'webhooks:write': 'Change where Klaviyo sends news about your account (webhooks)',
} as const satisfies Record<`${string}:${'read' | 'write'}`, string>;

/** Every scope that Klaviyo had when this was written; it adds some with its revisions. */
export const knownScopes: ReadonlySet<string> = new Set(Object.keys(scopeDescriptions));

/** Whether the scope has a description of its own, rather than one made from its name. */
export function isDescribedScope(scope: string): scope is keyof typeof scopeDescriptions {
  return Object.hasOwn(scopeDescriptions, scope);
}

/**
 * Says in plain words what a scope allows. A scope that is not known yet gets a phrase made from
 * its name. The answer may hold characters of the input: escape it like any other text.
 *
 * @example
 * ```ts
 * describeScope('profiles:read'); // "See the people in your lists (profiles)"
 * describeScope('loyalty-points:write'); // "Create, change and delete loyalty points"
 * ```
 */
export function describeScope(scope: string): string {
  if (isDescribedScope(scope)) return scopeDescriptions[scope];
  const [, name, access] = /^([a-z0-9]+(?:-[a-z0-9]+)*):(read|write)$/.exec(scope) ?? [];
  if (name === undefined) return `Use the permission “${scope}”`;
  const words = name.replaceAll('-', ' ');
  return access === 'read' ? `See your ${words}` : `Create, change and delete ${words}`;
}

/** What an integration may do with one kind of thing, as one sentence. */
export interface ScopeGroup {
  readonly scopes: readonly string[];
  readonly sentence: string;
}

/**
 * Says what the scopes allow, one sentence for each kind of thing, for pages.
 *
 * @example
 * ```ts
 * describeScopeGroups(['lists:read', 'lists:write']);
 * // [{ scopes: […], sentence: 'See your lists; create, change and delete lists, and add or …' }]
 * ```
 */
export function describeScopeGroups(scopes: readonly string[]): ScopeGroup[] {
  const groups = new Map<string, string[]>();
  for (const scope of scopes) {
    const name = /^([a-z0-9-]+):(?:read|write)$/.exec(scope)?.[1] ?? scope;
    groups.set(name, [...(groups.get(name) ?? []), scope]);
  }
  return [...groups.values()].map((group) => {
    // What is read first: it is the lesser of the two.
    const ordered = group.toSorted(
      (a, b) => Number(!a.endsWith(':read')) - Number(!b.endsWith(':read')),
    );
    const [first = '', ...others] = ordered.map(describeScope);
    return { scopes: ordered, sentence: [first, ...others.map(lowerFirst)].join('; ') };
  });
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
