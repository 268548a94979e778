import { z } from 'zod';
import type { ApiReply } from '../../context/api-error.ts';
import { klaviyoIntegration } from '../../state/metric.ts';
import type { Stored } from '../../state/stored-resource.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { isoTime, linkedTo } from '../json-api.ts';
import { itemReply, listReply, present, type ResourceKind } from '../resource-kind.ts';
import {
  addStored,
  changeStored,
  createStored,
  deleteStored,
  getStored,
  listStored,
  updateStored,
  type StoredKind,
} from '../stored-kind.ts';
import { identifierOf, nameText } from './bodies.ts';

const topicKind: ResourceKind<Stored> = {
  type: 'webhook-topic',
  path: 'webhook-topics',
  attributes: () => ({}),
};

/** Webhooks are kept, never called. Their secret is kept too, and never shown. */
const webhookKind: StoredKind = {
  type: 'webhook',
  path: 'webhooks',
  attributes: (_, { attributes, createdMs, updatedMs }) => {
    const { secret_key: _secret, ...shown } = attributes;
    return { ...shown, created_at: isoTime(createdMs), updated_at: isoTime(updatedMs) };
  },
  relationships: (_, { related }, self) =>
    linkedTo(
      self,
      'webhook-topics',
      (related?.['webhook-topics'] ?? []).map((id) => ({ type: 'webhook-topic', id })),
    ),
  includes: {
    'webhook-topics': (call, { related }, query) =>
      (related?.['webhook-topics'] ?? []).map((id) =>
        present(call, query, topicKind, { id, seq: 1 }),
      ),
  },
};

/** Topics that Klaviyo's documents name. */
const documentedTopics = ['event:klaviyo.email_delivered', 'event:klaviyo.sent_sms'];

/**
 * The topics of an account: those documented, and one for each of Klaviyo's own metrics in it. That
 * topics follow the metrics of the account is documented, how their ids are spelled is assumed.
 */
function topicsOf(call: ApiCall): Stored[] {
  const own = call.resources.metrics
    .all()
    .filter(({ integration }) => integration.id === klaviyoIntegration.id)
    .map(({ name }) => `event:klaviyo.${name.toLowerCase().replace(/[^a-z0-9]+/g, '_')}`);
  return [...new Set([...documentedTopics, ...own])].map((id, index) => ({ id, seq: index + 1 }));
}

const endpointUrl = z.url({ protocol: /^https$/, error: 'Must be an https URL.' });
const topics = z.strictObject({
  'webhook-topics': z.strictObject({ data: z.array(identifierOf('webhook-topic')).min(1) }),
});

const createBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('webhook'),
    attributes: z.strictObject({
      name: nameText,
      description: z.string().max(1_000).nullish(),
      endpoint_url: endpointUrl,
      secret_key: z.string().min(1),
    }),
    relationships: topics,
  }),
});

const updateBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('webhook'),
    id: z.string(),
    attributes: z.strictObject({
      name: nameText.optional(),
      description: z.string().max(1_000).nullish(),
      endpoint_url: endpointUrl.optional(),
      secret_key: z.string().min(1).optional(),
      enabled: z.boolean().optional(),
    }),
    relationships: topics.optional(),
  }),
});

function refuseTopics(call: ApiCall, ids: readonly string[]): ApiReply | undefined {
  const known = new Set(topicsOf(call).map(({ id }) => id));
  const stranger = ids.find((id) => !known.has(id));
  if (stranger === undefined) return undefined;
  const pointer = '/data/relationships/webhook-topics/data';
  return call.errors.invalid(`There is no webhook topic ${stranger.slice(0, 80)}.`, { pointer });
}

const createWebhook = createStored(webhookKind, createBody, (call, { data }) => {
  const ids = data.relationships['webhook-topics'].data.map(({ id }) => id);
  const refusal = refuseTopics(call, ids);
  if (refusal) return { refusal };
  const { description = null, ...attributes } = data.attributes;
  const related = { 'webhook-topics': ids };
  const id = call.context.random.id();
  return addStored(
    call,
    webhookKind,
    { ...attributes, description, enabled: true },
    { id, related },
  );
});

const updateWebhook = updateStored(webhookKind, updateBody, (call, webhook, { data }) => {
  const ids = data.relationships?.['webhook-topics'].data.map(({ id }) => id);
  const refusal = refuseTopics(call, ids ?? []);
  if (refusal) return { refusal };
  const related = ids ? { 'webhook-topics': ids } : webhook.related;
  return changeStored(call, webhookKind, webhook, data.attributes, related);
});

const getTopic: ApiHandler = (call) => {
  const id = call.params['id'] ?? '';
  const topic = topicsOf(call).find((candidate) => candidate.id === id);
  return topic ? itemReply(call, topicKind, topic) : call.errors.notFound('webhook-topic', id);
};

export const webhookHandlers: HandlerTable = {
  get_webhooks: listStored(webhookKind),
  create_webhook: createWebhook,
  get_webhook: getStored(webhookKind),
  update_webhook: updateWebhook,
  delete_webhook: deleteStored(webhookKind),
  get_webhook_topics: (call) => listReply(call, topicKind, topicsOf(call)),
  get_webhook_topic: getTopic,
};
