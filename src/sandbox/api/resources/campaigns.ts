import { z } from 'zod';
import { ulid } from '../../ids.ts';
import { isJsonObject, textOf, type JsonObject } from '../../state/json.ts';
import type { StoredResource } from '../../state/stored-resource.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { readWrite } from '../body.ts';
import { emptyReply } from '../json-api.ts';
import { presentReply } from '../resource-kind.ts';
import {
  addStored,
  changeStored,
  collectionOf,
  createStored,
  deleteStored,
  getStored,
  listStored,
  refuseStrangers,
  relation,
  relationToOne,
  storedInPath,
  storedOf,
  updateStored,
} from '../stored-kind.ts';
import { change, identifierOf, nameText } from './bodies.ts';
import { campaignKind, campaignOf, imageOf, messageKind, templateOf } from './campaign-kind.ts';
import { imageKind } from './kept-kinds.ts';
import { freeObject } from './profile-attributes.ts';
import { forgetTagged, tagKind, tagsOf } from './tag-kind.ts';
import { templateKind } from './templates.ts';

const audiences = z.strictObject({
  included: z.array(z.string()).optional(),
  excluded: z.array(z.string()).nullish(),
});
const settings = {
  send_strategy: freeObject.nullish(),
  send_options: freeObject.nullish(),
  tracking_options: freeObject.nullish(),
};
const messageDefinition = z.looseObject({
  channel: z.enum(['email', 'sms', 'mobile_push', 'whatsapp']),
  label: z.string().nullish(),
  content: freeObject.nullish(),
});
const newMessage = z.strictObject({
  type: z.literal('campaign-message'),
  attributes: z.strictObject({ definition: messageDefinition }),
  relationships: z
    .strictObject({ image: z.strictObject({ data: identifierOf('image') }).optional() })
    .optional(),
});

const creationBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('campaign'),
    attributes: z.strictObject({
      name: nameText,
      audiences: audiences.required({ included: true }),
      ...settings,
      'campaign-messages': z.strictObject({ data: z.array(newMessage).min(1) }),
    }),
  }),
});

/** What an email's content says where the caller does not (recorded keys, empty values). */
const emailContent: JsonObject = {
  subject: '',
  preview_text: '',
  from_email: '',
  from_label: '',
  reply_to_email: '',
  cc_email: '',
  bcc_email: '',
};

function shownMessage(definition: z.infer<typeof messageDefinition>): JsonObject {
  const { label, content, channel, ...others } = definition;
  return {
    ...(others as JsonObject),
    channel,
    label: label ?? '',
    content: { ...(channel === 'email' ? emailContent : {}), ...content },
  };
}

const newId = (call: ApiCall) => ulid(call.context.random, call.context.clock.now());

/** Keeps a campaign with its messages, which name each other. */
function addCampaign(
  call: ApiCall,
  attributes: JsonObject,
  messages: readonly {
    readonly attributes: JsonObject;
    readonly related: StoredResource['related'];
  }[],
): StoredResource {
  const id = newId(call);
  const ids = messages.map(
    (message) =>
      addStored(call, messageKind, message.attributes, {
        id: newId(call),
        related: { ...message.related, campaign: [id] },
      }).id,
  );
  return addStored(call, campaignKind, attributes, { id, related: { 'campaign-messages': ids } });
}

const createCampaign = createStored(campaignKind, creationBody, (call, { data }) => {
  const { name, send_strategy, send_options, tracking_options, ...given } = data.attributes;
  const messages = given['campaign-messages'].data;
  const images = messages.flatMap(({ relationships }) => relationships?.image?.data.id ?? []);
  const strangers = refuseStrangers(call, imageKind, images);
  if (strangers) return strangers;
  const attributes = {
    name,
    status: 'Draft',
    archived: false,
    audiences: { included: given.audiences.included, excluded: given.audiences.excluded ?? [] },
    send_options: send_options ?? { use_smart_sending: true },
    tracking_options: {
      add_tracking_params: false,
      custom_tracking_params: [],
      ...tracking_options,
    },
    send_strategy: send_strategy ?? { method: 'immediate' },
    scheduled_at: null,
    send_time: null,
  };
  return addCampaign(
    call,
    attributes,
    messages.map((message) => {
      const image = message.relationships?.image?.data.id;
      return {
        attributes: { definition: shownMessage(message.attributes.definition), send_times: [] },
        related: image === undefined ? {} : { image: [image] },
      };
    }),
  );
});

const updateCampaign = updateStored(
  campaignKind,
  change('campaign', { name: nameText.optional(), audiences: audiences.optional(), ...settings }),
  (call, campaign, { data: { attributes } }) => {
    const before = campaign.attributes['audiences'];
    const merged = { ...(isJsonObject(before) ? before : {}), ...attributes.audiences };
    const given = Object.entries(attributes).filter(([, value]) => value != null);
    return changeStored(call, campaignKind, campaign, {
      ...Object.fromEntries(given),
      ...(attributes.audiences ? { audiences: merged } : {}),
    });
  },
);

const cloneBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('campaign'),
    id: z.string(),
    attributes: z.strictObject({ new_name: nameText.nullish() }).default({}),
  }),
});

const cloneCampaign = createStored(campaignKind, cloneBody, (call, { data }) => {
  const original = collectionOf(call, campaignKind).get(data.id);
  if (!original) return { refusal: call.errors.notFound('campaign', data.id) };
  const messages = storedOf(call, messageKind, original.related?.['campaign-messages']);
  const name = data.attributes.new_name ?? `Clone of ${textOf(original.attributes['name'])}`;
  return addCampaign(
    call,
    { ...original.attributes, name, status: 'Draft' },
    messages.map(({ attributes, related }) => ({ attributes, related })),
  );
});

const updateMessage = updateStored(
  messageKind,
  change('campaign-message', { definition: messageDefinition.partial().optional() }),
  (call, message, { data: { attributes } }) => {
    const before = message.attributes['definition'] as JsonObject;
    const { content, ...others } = attributes.definition ?? {};
    const definition = {
      ...before,
      ...others,
      content: { ...(before['content'] as JsonObject | undefined), ...content },
    };
    return changeStored(call, messageKind, message, { definition });
  },
);

const assignBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('campaign-message'),
    id: z.string(),
    relationships: z.strictObject({
      template: z.strictObject({ data: identifierOf('template') }),
    }),
  }),
});

/** `POST /api/campaign-message-assign-template`: the message gets a copy of the template (documented). */
const assignTemplate: ApiHandler = (call) => {
  const read = readWrite(call, assignBody);
  if ('refusal' in read) return read.refusal;
  const { id, relationships } = read.body.data;
  const message = collectionOf(call, messageKind).get(id);
  const template = collectionOf(call, templateKind).get(relationships.template.data.id);
  if (!message) return call.errors.notFound('campaign-message', id);
  if (!template) return call.errors.notFound('template', relationships.template.data.id);
  const copy = addStored(call, templateKind, template.attributes);
  const related = { ...message.related, template: [copy.id] };
  const changed = changeStored(call, messageKind, message, {}, related);
  return presentReply(call, read.query, messageKind, changed, 200);
};

const imageBody = z.strictObject({ data: identifierOf('image') });

const updateImage: ApiHandler = (call) => {
  const found = storedInPath(call, messageKind);
  if ('refusal' in found) return found.refusal;
  const read = readWrite(call, imageBody);
  if ('refusal' in read) return read.refusal;
  const strangers = refuseStrangers(call, imageKind, [read.body.data.id]);
  if (strangers) return strangers.refusal;
  const related = { ...found.item.related, image: [read.body.data.id] };
  changeStored(call, messageKind, found.item, {}, related);
  return emptyReply(204);
};

const messages = relation(campaignKind, messageKind, (call, { related }) =>
  storedOf(call, messageKind, related?.['campaign-messages']),
);
const tags = relation(campaignKind, tagKind, (call, { id }) => tagsOf(call, 'campaigns', id));
const campaign = relationToOne(messageKind, campaignKind, campaignOf);
const template = relationToOne(messageKind, templateKind, templateOf);
const image = relationToOne(messageKind, imageKind, imageOf);

/** Campaigns with their messages. They are kept as drafts: nothing is ever sent. */
export const campaignHandlers: HandlerTable = {
  get_campaigns: listStored(campaignKind),
  create_campaign: createCampaign,
  get_campaign: getStored(campaignKind),
  update_campaign: updateCampaign,
  delete_campaign: deleteStored(campaignKind, (call, { id, related }) => {
    forgetTagged(call, 'campaigns', id);
    for (const message of related?.['campaign-messages'] ?? []) {
      collectionOf(call, messageKind).remove(message);
    }
    return undefined;
  }),
  create_campaign_clone: cloneCampaign,
  get_messages_for_campaign: messages.related,
  get_message_ids_for_campaign: messages.identifiers,
  get_tags_for_campaign: tags.related,
  get_tag_ids_for_campaign: tags.identifiers,
  get_campaign_message: getStored(messageKind),
  update_campaign_message: updateMessage,
  assign_template_to_campaign_message: assignTemplate,
  get_campaign_for_campaign_message: campaign.related,
  get_campaign_id_for_campaign_message: campaign.identifiers,
  get_template_for_campaign_message: template.related,
  get_template_id_for_campaign_message: template.identifiers,
  get_image_for_campaign_message: image.related,
  get_image_id_for_campaign_message: image.identifiers,
  update_image_for_campaign_message: updateImage,
};
