export { approveConsent } from './sandbox/approve-consent.ts';
export type { ConsentChoice } from './sandbox/approve-consent.ts';
export type { ClockReading } from './sandbox/context/controlled-clock.ts';
export type { InstalledTokens, NewInstall, SandboxApp } from './sandbox/control/apps.ts';
export type { NewKey, SandboxKey } from './sandbox/control/keys.ts';
export type {
  ListedScenario,
  PlayedScenario,
  RemoveFault,
  SandboxAccount,
  SandboxControl,
  SandboxInstall,
  SandboxSnapshot,
} from './sandbox/control/sandbox-control.ts';
export type { PlannedFault } from './sandbox/faults/fault-plan.ts';
export type { Fault, FaultKind, FaultMatch, FaultPhase } from './sandbox/faults/fault.ts';
export type { CredentialKind } from './sandbox/http/sandbox-env.ts';
export type { RecordedRequest, SandboxStatistics } from './sandbox/request-log.ts';
export type { MetricBranding, RotationMode } from './sandbox/context/sandbox-context.ts';
export type { Sandbox } from './sandbox/sandbox.ts';
export type { SandboxOptions } from './sandbox/sandbox-options.ts';
export type { SandboxSettings } from './sandbox/context/settings.ts';
export { startSandbox } from './sandbox/sandbox.ts';
export { createSampleSeed } from './sandbox/seed/sample-seed.ts';
export type { SampleSeedOptions } from './sandbox/seed/sample-seed.ts';
export { parseSeed } from './sandbox/seed/parse-seed.ts';
export type {
  SandboxSeed,
  SeedAccount,
  SeedApp,
  SeedInstall,
  SeedKey,
  SeedMetric,
  SeedUser,
} from './sandbox/seed/seed.ts';
export type { SeedFlow } from './sandbox/api/resources/flows.ts';
export type { SeedGroup } from './sandbox/api/resources/group-kind.ts';
export type { SeedList } from './sandbox/api/resources/lists.ts';
export type { SeedTemplate } from './sandbox/api/resources/templates.ts';
