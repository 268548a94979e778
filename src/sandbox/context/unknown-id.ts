type Wording = (id: string) => string;

const plain =
  (what: string): Wording =>
  (id) =>
    `A ${what} with id ${id} does not exist.`;
const ticked =
  (what: string): Wording =>
  (id) =>
    `A ${what} with id \`${id}\` does not exist.`;
const quoted =
  (what: string): Wording =>
  (id) =>
    `A ${what} with id '${id}' does not exist.`;
const nothing: Wording = () => 'Not found.';

/** What Klaviyo says of an id it does not know, by the type of the resource (recorded). */
const wordings: Readonly<Record<string, Wording>> = {
  account: (id) => `Account with id ${id} not found.`,
  campaign: quoted('campaign'),
  'campaign-message': quoted('message'),
  'catalog-category': (id) => `No category with the ID \`${id}\` exists.`,
  'catalog-item': (id) => `An item with id ${id} does not exist.`,
  'catalog-item-deletion': (id) => `An item with the id \`${id}\` does not exist.`,
  'catalog-variant': plain('variant'),
  coupon: (id) => `A coupon with the given identifier '${id}' does not exist.`,
  'coupon-code': (id) => `A coupon code with given identifier '${id}' does not exist.`,
  'custom-metric': (id) => `Custom metric with id \`${id}\` does not exist.`,
  'data-source': (id) => `Data source with ID ${id} not found.`,
  flow: plain('flow'),
  'flow-action': (id) => `An action with id ${id} does not exist.`,
  'flow-message': plain('flow message'),
  form: ticked('form'),
  'form-version': ticked('form version'),
  image: nothing,
  list: ticked('list'),
  metric: (id) => `Metric with id ${id} does not exist.`,
  'metric-property': ticked('metric property'),
  'object-type': (id) => `object-type with id \`${id}\` does not exist.`,
  profile: plain('profile'),
  'push-token': (id) => `Record with token ID: ${id} cannot be found.`,
  review: ticked('review'),
  segment: ticked('segment'),
  tag: plain('tag'),
  'tag-group': plain('tag group'),
  template: (id) => `Template with id '${id}' does not exist`,
  'template-universal-content': ticked('universal content'),
  'tracking-setting': (id) => `Tracking settings for id \`${id}\` do not exist.`,
  'web-feed': ticked('web feed'),
  webhook: nothing,
  'webhook-topic': nothing,
};

/** What is said of an id that the account does not have. */
export interface UnknownId {
  readonly status: 404;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
}

/**
 * The refusal of an id that the account does not have. Types that no recording names follow the
 * most common wording: `A flow message with id X does not exist.`
 */
export function refusalOfUnknown(type: string, id: string): UnknownId {
  const job = /^(catalog-\w+|coupon-code)-bulk-(\w+)-job$/.exec(type);
  const wording =
    wordings[type] ??
    (job ? plain(`${job[1]} bulk ${job[2]} job`) : plain(type.replaceAll('-', ' ')));
  return { status: 404, code: 'not_found', title: 'Not found.', detail: wording(id) };
}
