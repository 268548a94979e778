import { shortId } from '../../ids.ts';
import { apiIntegration, appIntegration, type Metric } from '../../state/metric.ts';
import type { ApiCall } from '../api-call.ts';

/** How long no key may have sent an event before an app's events brand its metric. Made up. */
export const keyQuietMs = 60_000;

/**
 * The metric that an event of this name belongs to, made where there is none. It belongs to whoever
 * sends: `API` for a private key and for `/client`, the app for OAuth.
 *
 * What becomes of a key's metric when an app sends events of the same name is disputed, so that
 * `metricBranding` decides: `second-metric` makes another metric with the same name;
 * `brand-in-place` gives the key's metric the app's integration and keeps its id, once no key has
 * sent an event of it for {@link keyQuietMs}. Sending both ways makes two metrics either way.
 */
export function metricOfEvent(call: ApiCall, name: string): Metric {
  const { app } = call.caller;
  const nowMs = call.context.clock.now();
  const integration = app ? appIntegration(app) : apiIntegration;
  const own = call.resources.findMetric(name, integration);
  if (app) return own ?? branded(call, name, nowMs) ?? addMetric();
  const metric = own ?? addMetric();
  const sent = { ...metric, lastKeyEventMs: nowMs };
  call.resources.replaceMetric(sent);
  return sent;

  function addMetric(): Metric {
    const id = shortId(call.context.random);
    return call.resources.addMetric({ id, name, integration, createdMs: nowMs, updatedMs: nowMs });
  }
}

function branded(call: ApiCall, name: string, nowMs: number): Metric | undefined {
  const { caller, context, resources } = call;
  if (!caller.app || context.settings.metricBranding !== 'brand-in-place') return undefined;
  const found = resources.findMetric(name, apiIntegration);
  if (!found) return undefined;
  const { lastKeyEventMs = Number.NEGATIVE_INFINITY, ...metric } = found;
  if (nowMs - lastKeyEventMs < keyQuietMs) return undefined;
  const changed = { ...metric, integration: appIntegration(caller.app), updatedMs: nowMs };
  resources.replaceMetric(changed);
  return changed;
}
