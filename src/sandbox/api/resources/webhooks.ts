import { z } from 'zod';
import { ulid } from '../../ids.ts';
import type { ApiReply } from '../../context/api-error.ts';
import { textOf } from '../../state/json.ts';
import type { Stored } from '../../state/stored-resource.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { isoTime } from '../json-api.ts';
import { relationTo } from '../relation.ts';
import { itemReply, listReply, type ResourceKind } from '../resource-kind.ts';
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

/** Klaviyo shows the host only (recorded). */
function masked(address: string): string {
  return `${new URL(address).origin}/*****`;
}

/** Webhooks are kept, never called. Their secret is kept too, and never shown. */
const webhookKind: StoredKind = {
  type: 'webhook',
  path: 'webhooks',
  attributes: (_, { attributes, createdMs, updatedMs }) => {
    const { secret_key: _secret, ...shown } = attributes;
    const endpoint_url = masked(textOf(shown['endpoint_url']));
    return {
      ...shown,
      endpoint_url,
      created_at: isoTime(createdMs),
      updated_at: isoTime(updatedMs),
    };
  },
  relations: {
    'webhook-topics': relationTo(
      () => topicKind,
      (_, { related }) => (related?.['webhook-topics'] ?? []).map((id, seq) => ({ id, seq })),
      { data: 'always', links: 'none' },
    ),
  },
};

/** Topics that Klaviyo's documents or recordings name. */
const systemTopics = [
  'event:klaviyo.email_delivered',
  'event:klaviyo.received_email',
  'event:klaviyo.sent_sms',
];

/**
 * The topics of an account: those of the system, and one for each metric of Klaviyo's own and of the
 * API, such as `event:api.placed_order` (form recorded). Metrics of apps have none (assumed).
 */
function topicsOf(call: ApiCall): Stored[] {
  const own = call.resources.metrics.all().flatMap(({ name, integration: { object, key } }) => {
    const metric = name.toLowerCase().replace(/[^a-z0-9]+/g, '_');
    return object === 'integration' ? [`event:${key}.${metric}`] : [];
  });
  return [...new Set([...systemTopics, ...own])].map((id, index) => ({ id, seq: index + 1 }));
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
  const id = ulid(call.context.random, call.context.clock.now());
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

/** Refuses private keys of accounts without the plan (recorded). */
function withPlan(table: HandlerTable): HandlerTable {
  return Object.fromEntries(
    Object.entries(table).map(([id, handler]): [string, ApiHandler] => [
      id,
      (call) =>
        call.caller.credential === 'key' && call.context.settings.planRefusals
          ? call.errors.denied('You must have Advanced KDP enabled to use this endpoint.')
          : handler(call),
    ]),
  );
}

export const webhookHandlers = withPlan({
  get_webhooks: listStored(webhookKind),
  create_webhook: createWebhook,
  get_webhook: getStored(webhookKind),
  update_webhook: updateWebhook,
  delete_webhook: deleteStored(webhookKind),
  get_webhook_topics: (call) => listReply(call, topicKind, topicsOf(call)),
  get_webhook_topic: getTopic,
});
