export { createManualClock } from './runtime/clock.ts';
export type { Clock, ManualClock } from './runtime/clock.ts';
export { storeContract } from './store/store-contract.ts';
export type { ContractCase, ContractDatabase } from './store/store-contract.ts';
export type { Store } from './store/store.ts';
