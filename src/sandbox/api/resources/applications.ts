import type { ApiReply } from '../../context/api-error.ts';
import { stableUlid } from '../../ids.ts';
import type { Account } from '../../state/account.ts';
import type { App } from '../../state/app.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { emptyReply, isoTime } from '../json-api.ts';
import { relationTo } from '../relation.ts';
import {
  identifierReply,
  identifiersReply,
  itemReply,
  listReply,
  type ResourceKind,
} from '../resource-kind.ts';
import { accountKind } from './accounts.ts';

/** One app in one account. */
interface ShownInstall {
  /** `<application>:<account>` (Klaviyo's beta file). */
  readonly id: string;
  readonly seq: number;
  readonly app: App;
  readonly accountId: string;
}

interface ShownApplication {
  readonly id: string;
  readonly seq: number;
  readonly app: App;
}

/** When apps that do not say were registered. */
const sampleCreationMs = Date.UTC(2026, 0, 1);

/** The id under which Klaviyo shows an app: also that of its metrics' integration. */
const idOf = (app: App) => stableUlid(app.clientId);

const applicationKind: ResourceKind<ShownApplication> = {
  type: 'application',
  path: 'applications',
  attributes: ({ caller }, { app }) => ({
    name: app.name,
    client_id: app.clientId,
    scopes: app.scopes,
    // The owner's alone; an app that reads itself is taken for its owner (assumed).
    ...(app.ownerAccountId === caller.account.id || caller.app?.clientId === app.clientId
      ? { oauth_callback_urls: app.redirectUris }
      : {}),
    install_url: app.installationUrl ?? null,
    status: app.unverified ? 'draft' : 'published',
    created_at: isoTime(sampleCreationMs),
    developed_by: app.name,
    description: '',
    short_description: '',
    articles: [],
    categories: [],
    features: [],
    gallery_items: [],
    banner_image_url: null,
    icon_url: null,
    preferences_link: null,
    pricing_information_link: null,
    privacy_policy_link: null,
    support_link: null,
    video: null,
    website_link: null,
  }),
};

const installKind: ResourceKind<ShownInstall> = {
  type: 'application-install',
  path: 'application-installs',
  attributes: ({ context }, { app, accountId }) => ({
    installed_at: isoTime(context.state.install(app.clientId, accountId)?.installedAtMs ?? 0),
  }),
  relations: {
    application: relationTo(
      () => applicationKind,
      (_, { app }) => [{ id: idOf(app), seq: 1, app }],
      { one: true, data: 'always' },
    ),
    account: {
      show: (_call, { accountId }, { address }) => ({
        data: { type: accountKind.type, id: accountId },
        links: { self: address('relationships/'), related: address('') },
      }),
    },
  },
};

const shownInstall = (app: App, accountId: string, seq: number): ShownInstall => ({
  id: `${idOf(app)}:${accountId}`,
  seq,
  app,
  accountId,
});

/** The apps the caller may see: itself, or those that its account registered or has installed. */
function visibleApps({ caller, context }: ApiCall): App[] {
  if (caller.app) return [caller.app];
  const { id } = caller.account;
  return [...context.state.apps.values()].filter(
    (app) => app.ownerAccountId === id || context.state.install(app.clientId, id),
  );
}

/** The installs in the caller's own account; an app sees its own only. */
function ownInstalls(call: ApiCall, { id }: Account): ShownInstall[] {
  return visibleApps(call)
    .filter((app) => call.context.state.install(app.clientId, id))
    .map((app, index) => shownInstall(app, id, index + 1));
}

/**
 * Every install of an app, newest first, where the caller's account registered it; an app sees its
 * own install only (Klaviyo's file does not say).
 */
function installsOf(call: ApiCall, app: App): readonly ShownInstall[] {
  const { caller, context } = call;
  if (caller.app) return ownInstalls(call, caller.account);
  return context.state
    .installsOfApp(app.clientId)
    .map(({ accountId, number }) => shownInstall(app, accountId, -number));
}

/** Runs a handler for the install in the path, or returns 404. */
function ofInstall(answer: (call: ApiCall, install: ShownInstall) => ApiReply): ApiHandler {
  return (call) => {
    const id = call.params['id'] ?? '';
    const [applicationId, accountId = ''] = id.split(':');
    const app = visibleApps(call).find((one) => idOf(one) === applicationId);
    const isOwn = accountId === call.caller.account.id;
    const mayRead = isOwn || (!call.caller.app && app?.ownerAccountId === call.caller.account.id);
    return app && mayRead && call.context.state.install(app.clientId, accountId)
      ? answer(call, shownInstall(app, accountId, 1))
      : call.errors.notFound(installKind.type, id);
  };
}

/** Runs a handler for the application in the path, or returns 404. */
function ofApplication(
  answer: (call: ApiCall, application: ShownApplication) => ApiReply,
  mustOwn = false,
): ApiHandler {
  return (call) => {
    const id = call.params['id'] ?? '';
    const app = visibleApps(call).find((one) => idOf(one) === id);
    const isAllowed = call.caller.app ?? app?.ownerAccountId === call.caller.account.id;
    return app && (!mustOwn || isAllowed)
      ? answer(call, { id, seq: 1, app })
      : call.errors.notFound(applicationKind.type, id);
  };
}

/** The Applications API as far as a migration needs it; the rest answers 501. */
export const applicationHandlers: HandlerTable = {
  get_application_installs_beta: (call) =>
    listReply(call, installKind, ownInstalls(call, call.caller.account)),
  get_application_install_beta: ofInstall((call, install) => itemReply(call, installKind, install)),
  delete_application_install_beta: ofInstall((call, { app, accountId }) => {
    if (accountId !== call.caller.account.id) {
      return call.errors.denied('An install can be removed by its own account only.');
    }
    call.context.state.removeInstall({ clientId: app.clientId, accountId });
    return emptyReply(204);
  }),
  get_application_for_application_install_beta: ofInstall((call, { app }) =>
    itemReply(call, applicationKind, { id: idOf(app), seq: 1, app }),
  ),
  get_application_id_for_application_install_beta: ofInstall((call, { app }) =>
    identifierReply(call, applicationKind.type, idOf(app)),
  ),
  get_installs_for_application_beta: ofApplication(
    (call, { app }) => listReply(call, installKind, installsOf(call, app), { include: [] }),
    true,
  ),
  get_install_ids_for_application_beta: ofApplication(
    (call, { app }) => identifiersReply(call, installKind, installsOf(call, app)),
    true,
  ),
  get_applications_beta: (call) =>
    listReply(
      call,
      applicationKind,
      visibleApps(call).map((app, index) => ({ id: idOf(app), seq: index + 1, app })),
    ),
  get_application_beta: ofApplication((call, application) =>
    itemReply(call, applicationKind, application),
  ),
};
