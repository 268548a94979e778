import { isJsonObject, textOf } from '../../state/json.ts';
import type { StoredResource } from '../../state/stored-resource.ts';
import type { ApiCall } from '../api-call.ts';
import { relationTo } from '../relation.ts';
import { storedOf, withTimesAt, type StoredKind } from '../stored-kind.ts';
import { imageKind } from './kept-kinds.ts';
import { tagsRelation } from './tag-kind.ts';
import { templateKind } from './templates.ts';

/** How campaigns are shown: what was read says more than what was written (recorded). */
export const campaignKind: StoredKind = {
  type: 'campaign',
  path: 'campaigns',
  attributes(call, campaign) {
    const shown = withTimesAt(campaign);
    const { send_options: sending, tracking_options: tracking } = shown;
    if (call.operation.method !== 'GET') return shown;
    return {
      ...shown,
      send_options: { ignore_unsubscribes: false, ...(isJsonObject(sending) ? sending : {}) },
      tracking_options: {
        is_tracking_clicks: true,
        is_tracking_opens: true,
        ...(isJsonObject(tracking) ? tracking : {}),
      },
    };
  },
  relations: {
    'campaign-messages': relationTo(
      () => messageKind,
      (call, { related }) => storedOf(call, messageKind, related?.['campaign-messages']),
      { data: 'always' },
    ),
    tags: tagsRelation('campaigns'),
  },
  values: {
    'messages.channel': (call, { related }) =>
      channelOf(storedOf(call, messageKind, related?.['campaign-messages'])[0]) ?? null,
  },
};

/** How the messages of campaigns are shown. */
export const messageKind: StoredKind = {
  type: 'campaign-message',
  path: 'campaign-messages',
  attributes: (_, message) => withTimesAt(message),
  relations: {
    campaign: relationTo(() => campaignKind, campaignOf, { one: true, data: 'always' }),
    template: relationTo(() => templateKind, templateOf, { one: true }),
    image: relationTo(() => imageKind, imageOf, { one: true }),
  },
};

export function campaignOf(call: ApiCall, { related }: StoredResource): StoredResource[] {
  return storedOf(call, campaignKind, related?.['campaign']);
}

export function templateOf(call: ApiCall, { related }: StoredResource): StoredResource[] {
  return storedOf(call, templateKind, related?.['template']);
}

export function imageOf(call: ApiCall, { related }: StoredResource): StoredResource[] {
  return storedOf(call, imageKind, related?.['image']);
}

function channelOf(message: StoredResource | undefined): string | undefined {
  const definition = message?.attributes['definition'];
  return isJsonObject(definition) ? textOf(definition['channel']) : undefined;
}
