import { z } from 'zod';
import { KeyshiftError } from '../errors/keyshift-error.ts';

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

/** Every switch of the sandbox: behaviours that sources disagree about, and limits. */
export const settingsTable = {
  limits: setting({
    schema: z.boolean(),
    default: true,
    evidence: 'documented',
    means: "Whether the rate limits of Klaviyo's operations are enforced.",
  }),
  accessTokenTtlSec: setting({
    schema: seconds,
    default: 3_600,
    evidence: 'reported',
    means: 'Lifetime of access tokens in seconds; one source says 600.',
  }),
  rotation: setting({
    schema: z.enum(['none', 'rotate', 'rotate_with_reuse_detection', 'rotate_with_grace']),
    default: 'none',
    evidence: 'observed',
    means: 'What happens to a refresh token when it is used.',
  }),
  refreshLimitPerMinute: setting({
    schema: z.number().int().min(1).nullable(),
    default: null,
    evidence: 'reported',
    means: 'Refreshes a minute for each install, more are answered 429; `null` is without limit.',
  }),
  metricBranding: setting({
    schema: z.enum(['second-metric', 'brand-in-place']),
    default: 'second-metric',
    evidence: 'documented',
    means:
      'What becomes of a key’s metric when an app sends events of the same name: a second metric, or the same id with the app’s integration once key traffic has stopped for a minute.',
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
    Object.fromEntries(names.map((name) => [name, settingsTable[name].schema.optional()])),
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
