/** The languages in which a customer may read what a scope allows. */
export type ScopeLanguage = 'en' | 'de';

/** A kind of thing, and what writing to it means: `[noun, verbs]`. */
type Words = Readonly<Record<ScopeLanguage, readonly [noun: string, write: string]>>;

const change = 'create, change and delete';
const aendern = 'anlegen, ändern und löschen';

/**
 * What each resource of Klaviyo's API is to the person who consents. Where a resource is only read
 * or only written, its scope for the other does not exist.
 */
const resources = {
  accounts: {
    en: ['account details (name, contact)', 'change'],
    de: ['Kontodaten (Name, Kontakt)', 'ändern'],
  },
  agents: { en: ['AI agents', change], de: ['KI-Agenten', aendern] },
  applications: {
    en: ['apps and where they are installed', 'change'],
    de: ['Apps und wo sie installiert sind', 'ändern'],
  },
  brands: { en: ['brands (logos, colors)', change], de: ['Marken (Logos, Farben)', aendern] },
  campaigns: {
    en: ['campaigns and their results', 'create, change, send and delete'],
    de: ['Kampagnen und ihre Ergebnisse', 'anlegen, ändern, versenden und löschen'],
  },
  catalogs: {
    en: ['catalogs (products, categories)', change],
    de: ['Kataloge (Produkte, Kategorien)', aendern],
  },
  conversations: {
    en: ['conversations with your customers', 'reply in'],
    de: ['Gespräche mit Ihren Kunden', 'beantworten'],
  },
  'coupon-codes': { en: ['coupon codes', change], de: ['Gutscheincodes', aendern] },
  coupons: { en: ['coupons', change], de: ['Gutscheine', aendern] },
  credentials: {
    en: ['the list of API keys (never the full keys)', 'change'],
    de: ['die Liste der API-Schlüssel (nie die Schlüssel selbst)', 'ändern'],
  },
  'custom-objects': {
    en: ['custom objects and their records', change],
    de: ['eigene Objekte und ihre Einträge', aendern],
  },
  'data-privacy': {
    en: ['data-privacy requests', 'ask Klaviyo to delete people for good by'],
    de: ['Datenschutzanfragen', 'stellen (Personen endgültig löschen)'],
  },
  events: {
    en: ['events (orders, page views)', 'record'],
    de: ['Ereignisse (Bestellungen, Seitenaufrufe)', 'aufzeichnen'],
  },
  flows: {
    en: ['flows and their results', 'create, change, switch and delete'],
    de: ['Flows und ihre Ergebnisse', 'anlegen, ändern, schalten und löschen'],
  },
  forms: {
    en: ['sign-up forms and their results', 'create and delete'],
    de: ['Anmeldeformulare und ihre Ergebnisse', 'anlegen und löschen'],
  },
  images: { en: ['images', 'upload and change'], de: ['Bilder', 'hochladen und ändern'] },
  lists: { en: ['lists and who is on them', change], de: ['Listen und wer darauf steht', aendern] },
  metrics: { en: ['metrics and their totals', change], de: ['Metriken und ihre Summen', aendern] },
  profiles: {
    en: ['profiles (people)', 'add, change and merge'],
    de: ['Profile (Personen)', 'anlegen, ändern und zusammenführen'],
  },
  'push-tokens': {
    en: ['devices for push notifications', 'add and remove'],
    de: ['Geräte für Push-Nachrichten', 'hinzufügen und entfernen'],
  },
  reviews: {
    en: ['product reviews', 'publish and reject'],
    de: ['Produktbewertungen', 'veröffentlichen und ablehnen'],
  },
  segments: {
    en: ['segments and how they grow', change],
    de: ['Segmente und ihr Wachstum', aendern],
  },
  'sender-config': {
    en: ['sender settings (addresses, numbers)', 'change'],
    de: ['Absendereinstellungen (Adressen, Nummern)', 'ändern'],
  },
  subscriptions: {
    en: ['subscriptions (who gets messages)', 'start and stop'],
    de: ['Abonnements (wer Nachrichten erhält)', 'beginnen und beenden'],
  },
  tags: {
    en: ['tags', 'create, assign and delete'],
    de: ['Tags', 'anlegen, vergeben und löschen'],
  },
  templates: { en: ['message templates', change], de: ['Nachrichtenvorlagen', aendern] },
  'tracking-settings': {
    en: ['settings for link tracking', 'change'],
    de: ['Einstellungen zum Link-Tracking', 'ändern'],
  },
  translations: {
    en: ['translations of messages', change],
    de: ['Übersetzungen von Nachrichten', aendern],
  },
  usage: {
    en: ['how much of your plan is used', 'change'],
    de: ['Nutzung Ihres Tarifs', 'ändern'],
  },
  'web-feeds': { en: ['web feeds', change], de: ['Web-Feeds', aendern] },
  webhooks: {
    en: ['webhooks (where Klaviyo sends news)', change],
    de: ['Webhooks (wohin Klaviyo Neuigkeiten sendet)', aendern],
  },
} as const satisfies Record<string, Words>;

/** Every scope that Klaviyo had when this was written; it adds some with its revisions. */
export const knownScopes: ReadonlySet<string> = new Set(
  Object.keys(resources).flatMap((name) => [
    // Data-privacy requests are only made, accounts and usage only read.
    ...(name === 'data-privacy' ? [] : [`${name}:read`]),
    ...(name === 'accounts' || name === 'usage' ? [] : [`${name}:write`]),
  ]),
);

/** Whether the scope has a description of its own, rather than one made from its name. */
export function isDescribedScope(scope: string): boolean {
  return knownScopes.has(scope);
}

/**
 * Says in plain words what a scope allows. A scope that is not known yet gets a phrase made from
 * its name. The answer may hold characters of the input: escape it like any other text.
 *
 * @example
 * ```ts
 * describeScope('profiles:read'); // "Read profiles (people)"
 * describeScope('loyalty-points:write'); // "Create, change and delete loyalty points"
 * ```
 */
export function describeScope(scope: string, language: ScopeLanguage = 'en'): string {
  return describeScopeGroups([scope], language)[0]?.sentence ?? '';
}

/** What an integration may do with one kind of thing, as one short line. */
export interface ScopeGroup {
  readonly scopes: readonly string[];
  readonly sentence: string;
}

/**
 * Says what the scopes allow, one short line for each kind of thing, for pages. What is read comes
 * first: it is the lesser of the two.
 *
 * @example
 * ```ts
 * describeScopeGroups(['events:write', 'events:read'], 'en');
 * // [{ scopes: ['events:read', 'events:write'], sentence: 'Read and record events (orders, page views)' }]
 * ```
 */
export function describeScopeGroups(
  scopes: readonly string[],
  language: ScopeLanguage = 'en',
): ScopeGroup[] {
  const groups = new Map<string, string[]>();
  for (const scope of scopes) {
    const name = scopeForm.exec(scope)?.[1] ?? scope;
    groups.set(name, [...(groups.get(name) ?? []), scope]);
  }
  return [...groups].map(([name, group]) => {
    const ordered = group.toSorted(
      (a, b) => Number(!a.endsWith(':read')) - Number(!b.endsWith(':read')),
    );
    return { scopes: ordered, sentence: sentenceOf(name, ordered, language) };
  });
}

const scopeForm = /^([a-z0-9]+(?:-[a-z0-9]+)*):(?:read|write)$/;

function sentenceOf(name: string, scopes: readonly string[], language: ScopeLanguage): string {
  if (!scopes.every((scope) => scopeForm.test(scope))) {
    return language === 'de' ? `Die Berechtigung „${name}“ nutzen` : `Use the permission “${name}”`;
  }
  const known = Object.hasOwn(resources, name)
    ? resources[name as keyof typeof resources]
    : undefined;
  const words = name.replaceAll('-', ' ');
  const [noun, write] = known?.[language] ?? [words, language === 'de' ? aendern : change];
  const verbs = scopes.map((scope) => {
    if (scope.endsWith(':write')) return write;
    return language === 'de' ? 'lesen' : 'read';
  });
  return language === 'de'
    ? upperFirst(`${noun} ${joinVerbs(verbs, 'und')}`)
    : upperFirst(`${joinVerbs(verbs, 'and')} ${noun}`);
}

/** `read and record`, and where there are several already, `read, create and delete`. */
function joinVerbs([first = '', second]: readonly string[], and: string): string {
  if (second === undefined) return first;
  return `${first}${second.includes(` ${and} `) ? ', ' : ` ${and} `}${second}`;
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
