import { isJsonObject, type JsonObject, type JsonValue } from '../../state/json.ts';
import type { Profile } from '../../state/profile.ts';

/** The channels a person can be asked to receive, under Klaviyo's names. */
export type Channel = 'email.marketing' | 'sms.marketing' | 'sms.transactional';

const never: JsonObject = {
  consent: 'NEVER_SUBSCRIBED',
  consent_timestamp: null,
  last_updated: null,
  method: null,
  method_detail: null,
};

/** What a profile shows of tracking, which nobody consents to here (recorded keys). */
const noTracking: JsonObject = {
  consent: 'NEVER_SUBSCRIBED',
  consent_timestamp: null,
  last_updated: null,
  created_timestamp: null,
  metadata: null,
  can_receive: true,
  valid_until: null,
};

/**
 * The subscriptions of a profile as `additional-fields[profile]=subscriptions` shows them. The names
 * are documented; that a person who never subscribed can receive email but no SMS is assumed.
 */
export function shownSubscriptions(profile: Profile): JsonObject {
  const email = channelOf(profile, 'email.marketing');
  const sms = channelOf(profile, 'sms.marketing');
  const transactional = channelOf(profile, 'sms.transactional');
  const suppressed = isSuppressed(profile);
  return {
    email: {
      marketing: {
        can_receive_email_marketing: !suppressed && email['consent'] !== 'UNSUBSCRIBED',
        ...never,
        custom_method_detail: null,
        double_optin: null,
        suppression: [],
        list_suppressions: [],
        ...email,
      },
      open_tracking: noTracking,
      click_tracking: noTracking,
    },
    sms: {
      marketing: {
        can_receive_sms_marketing: sms['consent'] === 'SUBSCRIBED',
        ...never,
        ...sms,
      },
      transactional: {
        can_receive_sms_transactional: transactional['consent'] === 'SUBSCRIBED',
        ...never,
        ...transactional,
      },
    },
    mobile_push: {
      marketing: {
        can_receive_push_marketing: false,
        consent: 'NEVER_SUBSCRIBED',
        consent_timestamp: null,
      },
    },
    whatsapp: null,
  };
}

/** Whether the person is not to be sent any email. */
export function isSuppressed(profile: Profile): boolean {
  const list = channelOf(profile, 'email.marketing')['suppression'];
  return Array.isArray(list) && list.length > 0;
}

/** A profile with a change to one of its channels. */
export function withChannel(profile: Profile, channel: Channel, change: JsonObject): Profile {
  const [medium = '', purpose = ''] = channel.split('.');
  const before = profile.subscriptions?.[medium];
  const merged: Record<string, JsonValue> = { ...(isJsonObject(before) ? before : {}) };
  merged[purpose] = { ...channelOf(profile, channel), ...change };
  return { ...profile, subscriptions: { ...profile.subscriptions, [medium]: merged } };
}

function channelOf({ subscriptions }: Profile, channel: Channel): JsonObject {
  const [medium = '', purpose = ''] = channel.split('.');
  const media = subscriptions?.[medium];
  const found = isJsonObject(media) ? media[purpose] : undefined;
  return isJsonObject(found) ? found : {};
}
