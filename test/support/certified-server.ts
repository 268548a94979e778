import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Provider } from 'oidc-provider';

/** The app that the server knows. The secret holds - and _, as Klaviyo's do. */
export const certifiedApp = {
  clientId: 'app-one_two',
  clientSecret: 'secret-with_both-kinds-0123456789abcdef',
  redirectUri: 'http://localhost:5000/auth/callback',
  scope: 'openid',
};

/** A certified OpenID provider on this machine, at which one person says yes to everything, or no. */
export interface CertifiedServer extends AsyncDisposable {
  readonly issuer: string;
  readonly authorizeUrl: string;
  readonly tokenUrl: string;
  readonly revokeUrl: string;
  /**
   * Does what a browser does with an authorization URL: follows redirects and cookies until it is
   * sent to the app.
   *
   * @returns where the browser was sent
   */
  decide(authorizationUrl: string, decision: 'allow' | 'deny'): Promise<URL>;
}

/** Starts the provider with PKCE required and refresh tokens that rotate. */
export async function startCertifiedServer(): Promise<CertifiedServer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const provider = createProvider(issuer);
  const handle = provider.callback();
  let decision: 'allow' | 'deny' = 'allow';
  server.on('request', (request, response) => {
    const interaction = request.url?.startsWith('/interaction/') === true;
    void (interaction
      ? answerInteraction(provider, request, response, decision)
      : handle(request, response));
  });
  return {
    issuer,
    authorizeUrl: `${issuer}/auth`,
    tokenUrl: `${issuer}/token`,
    revokeUrl: `${issuer}/token/revocation`,
    decide: (url, choice) => {
      decision = choice;
      return browse(url);
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function createProvider(issuer: string): Provider {
  return new Provider(issuer, {
    clients: [
      {
        client_id: certifiedApp.clientId,
        client_secret: certifiedApp.clientSecret,
        redirect_uris: [certifiedApp.redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_basic',
        application_type: 'native',
      },
    ],
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true, allowedPolicy: () => true },
    },
    issueRefreshToken: () => true,
    rotateRefreshToken: () => true,
    ttl: {
      AccessToken: 600,
      RefreshToken: 3_600,
      Grant: 3_600,
      Interaction: 600,
      Session: 3_600,
      IdToken: 600,
    },
    cookies: { keys: ['a key for the cookies of a test'] },
    interactions: { url: (_ctx: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    findAccount: (_ctx: unknown, accountId: string) => ({
      accountId,
      claims: () => ({ sub: accountId }),
    }),
  });
}

async function answerInteraction(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
  decision: 'allow' | 'deny',
): Promise<void> {
  const { params } = await provider.interactionDetails(request, response);
  if (decision === 'deny') {
    const error = { error: 'access_denied', error_description: 'The person said no.' };
    return provider.interactionFinished(request, response, error);
  }
  const accountId = 'person-1';
  const grant = new provider.Grant({ accountId, clientId: params['client_id'] ?? '' });
  grant.addOIDCScope(params['scope'] ?? '');
  const grantId = await grant.save();
  return provider.interactionFinished(request, response, {
    login: { accountId },
    consent: { grantId },
  });
}

async function browse(start: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = new URL(start);
  for (let step = 0; step < 10; step += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { redirect: 'manual', headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';', 1)[0] ?? '').split(/=(.*)/s);
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location === null) {
      throw new Error(`the server stopped with ${response.status}: ${await response.text()}`);
    }
    url = new URL(location, url);
    if (url.href.startsWith(certifiedApp.redirectUri)) return url;
  }
  throw new Error('the server sent the browser in circles');
}
