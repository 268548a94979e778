import type { Keyshift } from '../core/create-keyshift.ts';
import { createProxy, type Proxy } from '../proxy/create-proxy.ts';

/** The streaming proxy over a Keyshift's parts. */
export function createKeyshiftProxy(keyshift: Keyshift): Proxy {
  const { config, store, credentials, http, clock, random, logger } = keyshift;
  return createProxy({
    store,
    credentials,
    serviceTokens: config.serviceTokens,
    dispatcher: http.dispatcher,
    apiUrl: config.endpoints.apiUrl,
    revision: config.revision,
    clock,
    random,
    logger,
  });
}
