import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { operations } from '../klaviyo/operations.ts';
import { createHostCheck } from './call-host.ts';
import { recommendScopes } from './recommend-scopes.ts';
import { scanCode } from './scan-code.ts';
import { readSourceFiles } from './scan-folder.ts';
import type { Sighting } from './sighting.ts';

const isKlaviyo = createHostCheck([]);
const scan = (text: string) => scanCode(text, 'file', isKlaviyo);
const idsOf = (sightings: readonly Sighting[]) =>
  sightings.flatMap((each) => (each.kind === 'operation' ? [each.operation.id] : []));

async function scanSample(name: string): Promise<Sighting[]> {
  const folder = fileURLToPath(new URL(`../../test/samples/${name}`, import.meta.url));
  const sightings: Sighting[] = [];
  for await (const { name: file, text } of readSourceFiles(folder)) {
    sightings.push(...scanCode(text, file, isKlaviyo));
  }
  return sightings;
}

const camel = (id: string) =>
  id.replace(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase());
const pascal = (id: string) => camel(id).replace(/^./, (letter) => letter.toUpperCase());
const serverOperations = operations.filter(({ path }) => path.startsWith('/api/'));

describe('every operation of the API', () => {
  it('is there to be tested', () => {
    expect(serverOperations.length).toBe(333);
  });

  it.each(serverOperations)('$id is known by its method in six languages', ({ id }) => {
    const calls = [
      `await profilesApi.${camel(id)}(body)`, // Node, Java
      `klaviyo.Profiles.${id}(body)`, // Python
      `KlaviyoAPI::Profiles.${id} body`, // Ruby
      `$klaviyo->Profiles->${camel(id)}($body);`, // PHP
      `client.ProfilesApi.${pascal(id)}(ctx)`, // Go
      `await profilesApi.${pascal(id)}Async(body);`, // .NET
    ];
    expect(calls.map((call) => idsOf(scan(call)))).toEqual(calls.map(() => [id]));
  });

  it.each(serverOperations)('$id is known by its address in code', ({ id, method, path }) => {
    const [js, python] = [path.replace(/\{\w+\}/g, '${thing.id}'), path.replace(/\{\w+\}/g, '%s')];
    expect(idsOf(scan(`fetch(\`https://a.klaviyo.com${js}/\`, { method: '${method}' })`))).toEqual([
      id,
    ]);
    const verb = method.toLowerCase();
    expect(idsOf(scan(`requests.${verb}("https://a.klaviyo.com${python}/" % x)`))).toEqual([id]);
  });
});

describe('a sample app in Node with the SDK', () => {
  it('needs what its methods call, and nothing for its own routes', async () => {
    const { scopes, clientUses, questions } = recommendScopes(await scanSample('node-shop'));
    expect(scopes).toEqual([
      'accounts:read', // Keyshift
      'events:write', // createEvent
      'lists:read', // getListProfiles
      'lists:write', // subscribeProfiles
      'profiles:read', // getListProfiles
      'profiles:write', // createOrUpdateProfile, subscribeProfiles
      'subscriptions:write', // subscribeProfiles
    ]);
    expect(clientUses.map(({ operation, where }) => [operation.id, where])).toEqual([
      ['create_client_event', ['src/storefront.js:1']],
    ]);
    expect(questions).toEqual([]);
  });
});

describe('a sample app in Python with addresses', () => {
  it('needs what it sends, by method and path', async () => {
    const { scopes, questions } = recommendScopes(await scanSample('python-sync'));
    expect(scopes).toEqual([
      'accounts:read', // Keyshift
      'catalogs:write', // PATCH and POST /catalog-items
      'metrics:read', // POST /metric-aggregates
      'profiles:read', // GET /segments/{id}/profiles
      'segments:read', // the same
    ]);
    expect(questions.map(({ kind, path }) => [kind, path])).toEqual([['legacy', '/api/track']]);
  });
});

describe('a sample plugin in PHP with both', () => {
  it('needs what can be told, and asks about the rest', async () => {
    const { scopes, questions } = recommendScopes(await scanSample('php-plugin'));
    expect(scopes).toEqual([
      'accounts:read', // Keyshift
      'coupons:write', // DELETE /coupons/{id}
      'lists:write', // bulkUnsubscribeProfiles
      'profiles:read', // getProfile
      'profiles:write', // bulkUnsubscribeProfiles
      'subscriptions:write', // the same
      'webhooks:write', // a body is posted to /webhooks
    ]);
    expect(
      questions.map(({ kind, where, candidates }) => [kind, where, candidates.length]),
    ).toEqual([['ambiguous', ['src/Client.php:26'], 3]]);
  });
});

describe('a line of code', () => {
  it.each([
    ['requests.post(\n  "https://a.klaviyo.com/api/events/",', 'create_event'],
    [
      "url = 'https://a.klaviyo.com/api/events'\nresponse = http.post(url, json: body)",
      'create_event',
    ],
    ['curl https://a.klaviyo.com/api/lists -H "Authorization: Klaviyo-API-Key $KEY"', 'get_lists'],
    ['curl -X POST https://a.klaviyo.com/api/lists -d @list.json', 'create_list'],
    ['http.NewRequest("PATCH", "https://a.klaviyo.com/api/profiles/"+id, body)', 'update_profile'],
    [
      'http.NewRequest(http.MethodGet, "https://a.klaviyo.com/api/profiles/"+id, nil)',
      'get_profile',
    ],
    ['new HttpRequestMessage(HttpMethod.Post, "https://a.klaviyo.com/api/events")', 'create_event'],
    ['Net::HTTP::Delete.new(URI("https://a.klaviyo.com/api/lists/#{list.id}"))', 'delete_list'],
    [
      '$client->request(\'GET\', "https://a.klaviyo.com/api/lists/$id/profiles")',
      'get_profiles_for_list',
    ],
    ['await fetch("https://a.klaviyo.com/api/metrics")', 'get_metrics'],
    [
      "// base\nconst api = 'https://a.klaviyo.com/api';\nawait ky.get(`${api}/flows/${id}`)",
      'get_flow',
    ],
  ])('%j calls %s', (code, id) => {
    expect(idsOf(scan(code))).toEqual([id]);
  });

  it.each([
    ['a route of the app itself', "import 'klaviyo';\napp.get('/api/profiles', handler)"],
    ['an API of somebody else', "axios.get('https://api.example.com/api/profiles')"],
    ['a file that never names Klaviyo', "axios.get('/api/profiles'); store.getProfile(id)"],
    ['a comment', '// klaviyo: profilesApi.getProfiles()'],
  ])('is no call of Klaviyo when it is %s', (_what, code) => {
    expect(scan(code)).toEqual([]);
  });

  it.each([
    ['form', 'import klaviyo\nform = builder.getForm(request)', 'get_form'],
    [
      'template',
      'class KlaviyoPlugin {}\nreturn $view->renderTemplate("settings");',
      'render_template',
    ],
    ['key', '$klaviyoConfig->getApiKey();', 'get_api_key_beta'],
  ])('is a question when its %s may be the application’s own', (_what, code, id) => {
    const [found] = scan(code);
    expect(found).toMatchObject({ kind: 'uncertain', candidates: [{ id }] });
    expect(recommendScopes(scan(code)).scopes).toEqual([]);
  });

  it.each([
    [
      "import { FormsApi } from 'klaviyo-api';\nconst api = new FormsApi(session);\nawait api.getForm(id)",
    ],
    ['klaviyo.Forms\n  .get_form(id)'],
    ['klaviyo.NewFormsApi(session).GetForm(ctx)'],
  ])('is a call when an SDK is its receiver: %j', (code) => {
    expect(idsOf(scan(code))).toEqual(['get_form']);
  });

  it('names the place', () => {
    expect(scan('import klaviyo\n\nprofilesApi.getProfiles()')[0]?.where).toBe('file:3');
  });
});
