import type { PlannedFault } from '../faults/fault-plan.ts';
import type { Fault } from '../faults/fault.ts';
import type { RecordedRequest, SandboxStatistics } from '../request-log.ts';
import type { SandboxSettings } from '../context/settings.ts';
import type { SandboxSeed } from '../seed/seed.ts';
import type { KeyStatus } from '../state/api-key.ts';
import type { SandboxData } from '../state/sandbox-data.ts';
import type { InstalledTokens, NewInstall, SandboxApp } from './apps.ts';
import type { ClockReading } from '../context/controlled-clock.ts';
import type { NewKey, SandboxKey } from './keys.ts';

/** An account with the apps installed in it. */
export interface SandboxAccount {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly testAccount: boolean;
  readonly installs: readonly SandboxInstall[];
}

/** An app installed in an account. */
export interface SandboxInstall {
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly installedAtMs: number;
  /** Access tokens that are not expired. */
  readonly liveAccessTokens: number;
}

/** Removes the fault it was given for. */
export interface RemoveFault {
  (): void;
  /** The id by which {@link SandboxControl.faults} lists the fault. */
  readonly id: number;
}

/** What a scenario did. */
export interface PlayedScenario {
  readonly name: string;
  /** In a sentence, with the numbers. */
  readonly did: string;
  /** A secret the scenario made, such as a new client secret. */
  readonly clientSecret?: string;
}

/** A scenario as {@link SandboxControl.scenarios} lists it. */
export interface ListedScenario {
  readonly name: string;
  /** What goes wrong, in a sentence. */
  readonly does: string;
  /** Names of what it takes. */
  readonly fields: readonly string[];
  /** Whether it was played and can be ended. */
  readonly active: boolean;
}

/** Everything about a sandbox at one moment, as plain JSON. Holds its tokens and keys in plain text. */
export interface SandboxSnapshot {
  readonly version: 1;
  readonly data: SandboxData;
  readonly settings: SandboxSettings;
  readonly clock: ClockReading;
  /** In order; `times` is what was left of them. */
  readonly faults: readonly Fault[];
}

/**
 * What a test, a person or a program can do to a running sandbox. Every member is an HTTP route
 * below `/_sandbox/` too (see `control-routes.ts`).
 */
export interface SandboxControl {
  accounts(): SandboxAccount[];
  /** The last 1,000 requests, oldest first; never a token, a key, a query or a body. */
  requests(): RecordedRequest[];
  statistics(): SandboxStatistics;
  /** Clears the requests and their counts. */
  clearRequests(): void;
  /** Without their secrets. */
  apps(): SandboxApp[];
  /** Private keys, redacted, of one account or all. */
  keys(accountId?: string): SandboxKey[];
  /** Creates a private key and returns it, this once only. */
  createKey(wanted: NewKey): SandboxKey & { readonly key: string };
  /** Enables or disables a key, named by its id or itself; returns whether it exists. */
  setKeyStatus(idOrKey: string, status: KeyStatus): boolean;
  /** Deletes a key, named by its id or itself; returns whether it existed. */
  deleteKey(idOrKey: string): boolean;
  /** Installs an app without a browser and returns its tokens. */
  install(wanted: NewInstall): InstalledTokens;
  /** Gives an app another client secret; the old one dies at once or after `graceSec` seconds. */
  regenerateClientSecret(
    clientId?: string,
    graceSec?: number,
  ): { readonly clientId: string; readonly clientSecret: string };
  /** Uninstalls from Klaviyo's side, without telling the app; returns how many installs ended. */
  uninstall(accountId: string, clientId?: string): number;
  /** Expires access tokens now, of all accounts or one; returns how many. */
  expireAccessTokens(accountId?: string): number;
  /**
   * Invalidates access tokens before they expire, of all accounts or one, as in an incident at
   * Klaviyo; refresh tokens keep working. Returns how many.
   */
  invalidateAccessTokens(accountId?: string): number;
  /** Adds a fault after the others; returns a function that removes it. */
  addFault(fault: Fault): RemoveFault;
  /** The faults in force, in the order in which they are tried. */
  faults(): PlannedFault[];
  /** Removes one fault by its id; returns whether it existed. */
  removeFault(id: number): boolean;
  /** Removes all faults; returns how many. */
  clearFaults(): number;
  settings(): SandboxSettings;
  /** Changes some settings from the next request on; returns all of them. */
  changeSettings(patch: Partial<SandboxSettings>): SandboxSettings;
  clock(): ClockReading;
  /** Stops the sandbox's clock, at `atMs` when given; requests are still answered. */
  freezeClock(atMs?: number): ClockReading;
  /** Moves the clock forward: what is due by then expires, and delays end. */
  advanceClock(ms: number): ClockReading;
  /** Lets the clock run again, from where it stands or from the time of the machine. */
  resumeClock(from?: 'here' | 'real-time'): ClockReading;
  /** The named failures, and which of them are active. */
  scenarios(): ListedScenario[];
  /** Plays a named failure, such as `lost-refresh-reply`. */
  playScenario(name: string, input?: object): PlayedScenario;
  /** Ends an active failure; returns whether it was active. */
  endScenario(name: string): boolean;
  /** The whole current state as plain JSON: data with tokens and keys, settings, clock. */
  snapshot(): SandboxSnapshot;
  /** Returns the sandbox to a snapshot. */
  restore(snapshot: SandboxSnapshot): void;
  /** Adds a seed: new accounts, keys and apps; what it names is replaced. */
  addSeed(seed: SandboxSeed): void;
  /** Starts over from the seed: its settings, no faults, no later installs. */
  reset(): void;
}
