import type { Operation } from '../../klaviyo/operations.ts';
import type { Reply } from '../http/reply.ts';
import type { SandboxRequest } from '../http/sandbox-request.ts';
import type { SandboxContext } from '../context/sandbox-context.ts';
import type { AccountResources } from '../state/account-resources.ts';
import type { ApiErrors } from '../context/api-error.ts';
import type { Caller } from './authenticate.ts';

/** An authenticated, permitted call of one operation. */
export interface ApiCall {
  readonly context: SandboxContext;
  readonly request: SandboxRequest;
  readonly operation: Operation;
  /** Path parameters, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly caller: Caller;
  /** The resources of the caller's account, made when first asked for. */
  readonly resources: AccountResources;
  readonly errors: ApiErrors;
}

/** Answers one operation. */
export type ApiHandler = (call: ApiCall) => Reply;

/** Handlers by Klaviyo's operation id. */
export type HandlerTable = Readonly<Record<string, ApiHandler>>;
