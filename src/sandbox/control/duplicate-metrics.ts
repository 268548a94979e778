import { shortId } from '../ids.ts';
import { apiIntegration, appIntegration, type Integration } from '../state/metric.ts';
import type { SandboxContext } from '../context/sandbox-context.ts';

/**
 * Leaves in accounts with an install what sending an event both ways leaves: a metric of the key
 * and one of the app, under one name.
 *
 * @param accountId one account; every account with an install when left out
 * @returns how many accounts have both now
 */
export function sendTwice(context: SandboxContext, name: string, accountId?: string): number {
  const { state } = context;
  const accounts = new Set<string>();
  for (const install of state.installs()) {
    const app = state.apps.get(install.clientId);
    if (!app || (accountId !== undefined && install.accountId !== accountId)) continue;
    accounts.add(install.accountId);
    ensureMetric(context, install.accountId, name, apiIntegration);
    ensureMetric(context, install.accountId, name, appIntegration(app));
  }
  return accounts.size;
}

function ensureMetric(
  { state, clock, random }: SandboxContext,
  accountId: string,
  name: string,
  integration: Integration,
): void {
  const resources = state.resources(accountId);
  if (resources.findMetric(name, integration)) return;
  const nowMs = clock.now();
  const id = shortId(random);
  resources.addMetric({ id, name, integration, createdMs: nowMs, updatedMs: nowMs });
}
