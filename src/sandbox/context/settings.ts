import { z } from 'zod';
import { KeyshiftError } from '../../errors/keyshift-error.ts';

/**
 * How well a default is known: `documented` by Klaviyo, `observed` at the real service or in
 * Klaviyo's own code, `reported` by third parties, or `assumed`.
 */
export type Evidence = 'documented' | 'observed' | 'reported' | 'assumed';

interface SettingEntry<Schema extends z.ZodType> {
  readonly schema: Schema;
  readonly default: z.output<Schema>;
  readonly evidence: Evidence;
  /** What the setting decides, in a sentence; also in docs/sandbox.md. */
  readonly means: string;
}

function setting<Schema extends z.ZodType>(entry: SettingEntry<Schema>): SettingEntry<Schema> {
  return entry;
}

const seconds = z.number().int().min(1).max(315_360_000);

/** Every switch of the sandbox: behaviours that sources disagree about, limits and lifetimes. */
export const settingsTable = {
  limits: setting({
    schema: z.boolean(),
    default: true,
    evidence: 'documented',
    means: 'Whether the rate limits of operations are enforced.',
  }),
  refreshLimitPerMinute: setting({
    schema: z.number().int().min(1).nullable(),
    default: null,
    evidence: 'reported',
    means: 'Refreshes per minute for each install; more get 429. Klaviyo reportedly allows 10.',
  }),
  accessTokenTtlSec: setting({
    schema: seconds,
    default: 3_600,
    evidence: 'reported',
    means: 'How long an access token lives. Most sources say an hour, one says 600 seconds.',
  }),
  announcedTtlSec: setting({
    schema: seconds.nullable(),
    default: null,
    evidence: 'assumed',
    means: 'What `expires_in` says instead of the truth, as when clocks disagree.',
  }),
  refreshTokenIdleDays: setting({
    schema: z.number().positive().max(36_500),
    default: 90,
    evidence: 'documented',
    means: 'A refresh token expires when it goes unused for this many days.',
  }),
  codeLifetimeSec: setting({
    schema: seconds,
    default: 300,
    evidence: 'reported',
    means: 'How long an authorization code can be exchanged.',
  }),
  rotation: setting({
    schema: z.enum(['none', 'rotate', 'rotate_with_reuse_detection', 'rotate_with_grace']),
    default: 'none',
    evidence: 'observed',
    means:
      'What a refresh does to its token: the same one comes back (`none`), or a new one. The old one then stops working (`rotate`), revokes its whole family when it is reused (`rotate_with_reuse_detection`), or works once more (`rotate_with_grace`).',
  }),
  refreshEndsAccessTokens: setting({
    schema: z.boolean(),
    default: false,
    evidence: 'observed',
    means:
      'Whether a refresh ends the access tokens issued before, instead of letting them expire.',
  }),
  reauthorizationEndsTokens: setting({
    schema: z.boolean(),
    default: false,
    evidence: 'assumed',
    means:
      'Whether a new consent for an account ends earlier token pairs. What Klaviyo does is unknown.',
  }),
  deadGrantError: setting({
    schema: z.enum(['invalid_grant', 'invalid_grant_type']),
    default: 'invalid_grant',
    evidence: 'observed',
    means:
      'The error code for a dead refresh token. Klaviyo’s troubleshooting page prints `invalid_grant_type`.',
  }),
  newAccessTokensWork: setting({
    schema: z.boolean(),
    default: true,
    evidence: 'reported',
    means:
      'Whether the API accepts access tokens issued from now on. It did not for two days in 2026-05.',
  }),
  basicCredentials: setting({
    schema: z.enum(['raw', 'raw_or_percent_encoded']),
    default: 'raw',
    evidence: 'observed',
    means:
      'Whether client id and secret may be percent-encoded in HTTP Basic, as RFC 6749 has it. Klaviyo’s SDK sends them raw.',
  }),
  revocationBody: setting({
    schema: z.enum(['object', 'empty']),
    default: 'object',
    evidence: 'observed',
    means: 'The body of a successful revocation: `{}` or nothing.',
  }),
  consistency: setting({
    schema: z.enum(['eventual', 'immediate']),
    default: 'eventual',
    evidence: 'observed',
    means:
      'Whether events, subscriptions, jobs, merges and deletions take effect a while after their answer, as at Klaviyo, or before it.',
  }),
  settleSec: setting({
    schema: z.number().positive().max(86_400),
    default: 2,
    evidence: 'observed',
    means: 'How long that while is, by the sandbox’s clock. At Klaviyo it is seconds to minutes.',
  }),
  planRefusals: setting({
    schema: z.boolean(),
    default: true,
    evidence: 'observed',
    means:
      'Whether the account’s plan lacks what most plans lack: webhooks by private key, object types and push tokens get 403.',
  }),
  retiredRevisions: setting({
    schema: z.enum(['gone', 'forward', 'accept']),
    default: 'gone',
    evidence: 'documented',
    means:
      'What a revision of 2022 to 2024 gets: 410 (`gone`), the oldest that is supported with a header that says so (`forward`), or an answer without a word (`accept`). Klaviyo’s guide says both 410 and forwarding.',
  }),
  clientCredentials: setting({
    schema: z.enum(['basic', 'basic_or_body']),
    default: 'basic',
    evidence: 'documented',
    means:
      'Where the token and revocation endpoints take client id and secret: in HTTP Basic only, or in the body too. Klaviyo’s agent skill sends `client_id` in the body.',
  }),
  metricBranding: setting({
    schema: z.enum(['second-metric', 'brand-in-place']),
    default: 'second-metric',
    evidence: 'documented',
    means:
      'What happens to a key’s metric when an app sends events with the same name: a second metric, or the same id with the app’s integration once key traffic has stopped for a minute.',
  }),
};

/** The name of a setting. */
export type SettingName = keyof typeof settingsTable;

/** The switches of a running sandbox. */
export type SandboxSettings = {
  readonly [Name in SettingName]: z.output<(typeof settingsTable)[Name]['schema']>;
};

const names = Object.keys(settingsTable) as SettingName[];

/** Some settings with new values, as the handle, HTTP and seed files give them. */
export const settingsPatchSchema = z
  .strictObject(
    Object.fromEntries(
      names.map((name) => {
        const { schema, means } = settingsTable[name];
        return [name, schema.optional().describe(means)];
      }),
    ),
  )
  .describe('Settings by name.') as z.ZodType<Partial<SandboxSettings>>;

export const defaultSettings = Object.fromEntries(
  names.map((name) => [name, settingsTable[name].default]),
) as SandboxSettings;

/**
 * Lays new values over settings.
 *
 * @throws {@link KeyshiftError} `request_invalid`, naming the setting
 */
export function patchSettings(
  settings: SandboxSettings,
  patch: Partial<SandboxSettings>,
): SandboxSettings {
  const parsed = settingsPatchSchema.safeParse(patch);
  if (!parsed.success) {
    const { path = [], message = '' } = parsed.error.issues[0] ?? {};
    throw new KeyshiftError(
      'request_invalid',
      `The settings are not valid: ${path.join('.')}${path.length > 0 ? ': ' : ''}${message}.`,
      { fix: `Settings are ${names.join(', ')}; docs/sandbox.md says what each may be.` },
    );
  }
  const given = Object.entries(parsed.data as Record<string, unknown>).filter(
    ([, value]) => value !== undefined,
  );
  return { ...settings, ...Object.fromEntries(given) };
}
