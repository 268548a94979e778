import { ApiKeySession, EventsApi, ProfilesApi, ListsApi } from 'klaviyo-api';

const session = new ApiKeySession(process.env.KLAVIYO_KEY!);
export const profiles = new ProfilesApi(session);
export const events = new EventsApi(session);
export const lists = new ListsApi(session);
