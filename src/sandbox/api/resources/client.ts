import { z } from 'zod';
import type { JsonObject } from '../../state/json.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { readWrite } from '../body.ts';
import { emptyReply } from '../json-api.ts';
import { identifierOf } from './bodies.ts';
import { bulkEventBody, eventBody } from './event-body.ts';
import { bulkEvents, recordAll } from './events.ts';
import { anyProfileAttributes } from './profile-attributes.ts';
import { profileMeta, refuseMeta } from './profile-meta.ts';
import {
  addProfile,
  changeProfile,
  findProfile,
  hasIdentifier,
  identifierNeeded,
} from './profiles.ts';
import { subscribe, subscriber } from './subscriptions.ts';

/** `POST /client/events`: as `/api/events`; the metric is one of the `API` integration (recorded). */
const createEvent: ApiHandler = (call) => {
  const read = readWrite(call, eventBody);
  return 'refusal' in read
    ? read.refusal
    : recordAll(call, [[read.body.data.attributes, '/data/attributes']]);
};

const bulkCreateEvents: ApiHandler = (call) => {
  const read = readWrite(call, bulkEventBody);
  return 'refusal' in read ? read.refusal : recordAll(call, bulkEvents(read.body));
};

const profileBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('profile'),
    id: z.string().nullish(),
    attributes: anyProfileAttributes,
    meta: profileMeta,
  }),
});

/** `POST /client/profiles`: creates or updates, and tells nothing about the profile. */
const createProfile: ApiHandler = (call) => {
  const read = readWrite(call, profileBody);
  if ('refusal' in read) return read.refusal;
  const { attributes, meta } = read.body.data;
  const refused = refuseMeta(call, meta);
  if (refused) return refused;
  if (!hasIdentifier(attributes)) return identifierNeeded(call, '/data/attributes');
  const found = findProfile(call, attributes);
  if (!found) addProfile(call, attributes, meta);
  else if (!call.resources.findConflict(attributes as JsonObject, found.id)) {
    changeProfile(call, found, attributes, meta);
  }
  return emptyReply(202);
};

const subscriptionBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('subscription'),
    attributes: z.strictObject({
      custom_source: z.string().nullish(),
      profile: z.strictObject({ data: subscriber }),
    }),
    relationships: z.strictObject({ list: z.strictObject({ data: identifierOf('list') }) }),
  }),
});

const createSubscription: ApiHandler = (call: ApiCall) => {
  const read = readWrite(call, subscriptionBody);
  if ('refusal' in read) return read.refusal;
  const { attributes, relationships } = read.body.data;
  return subscribe(call, [attributes.profile.data], {
    listId: relationships.list.data.id,
    source: attributes.custom_source,
    historical: false,
  });
};

/** What a shop's pages send with a company id and no credential. Answers hold no data. */
export const clientHandlers: HandlerTable = {
  create_client_event: createEvent,
  bulk_create_client_events: bulkCreateEvents,
  create_client_profile: createProfile,
  create_client_subscription: createSubscription,
};
