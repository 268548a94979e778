import { stableUlid } from './ids.ts';
import type { App, Integration } from './state/records.ts';

/** The integration of metrics sent by private key: one constant for every account (recorded live). */
export const apiIntegration: Integration = {
  object: 'integration',
  id: '7FtS4J',
  key: 'api',
  name: 'API',
  category: 'API',
};

/** The integration of Klaviyo's own metrics (recorded live). */
export const klaviyoIntegration: Integration = {
  object: 'integration',
  id: '0rG4eQ',
  key: 'klaviyo',
  name: 'Klaviyo',
  category: 'Internal',
};

/**
 * The integration of metrics sent by an OAuth app: the same 26-character ULID as id and key, and
 * a category that is an object (form recorded live; the values of the category are made up).
 */
export function appIntegration(app: App): Integration {
  const id = stableUlid(app.clientId);
  return {
    object: 'application',
    id,
    key: id,
    name: app.name,
    category: { id: 1, category: 'Other' },
  };
}
