import type { Operation } from '../../klaviyo/operations.ts';
import type { ApiReply, ApiErrors } from '../context/api-error.ts';
import type { SandboxContext } from '../context/sandbox-context.ts';
import type { AccountResources } from '../state/account-resources.ts';
import type { Caller } from './authenticate.ts';

/** An authenticated, permitted call of one operation. */
export interface ApiCall {
  readonly context: SandboxContext;
  /** As sent, without a trailing slash. */
  readonly path: string;
  /** The media type of the body in lower case, without parameters. */
  readonly mediaType: string;
  readonly body: Buffer;
  readonly operation: Operation;
  /** Path parameters, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The query as sent, with its question mark; empty without one. */
  readonly search: string;
  readonly caller: Caller;
  /** The resources of the caller's account, made when first asked for. */
  readonly resources: AccountResources;
  readonly errors: ApiErrors;
}

/** Answers one operation. */
export type ApiHandler = (call: ApiCall) => ApiReply;

/** Handlers by Klaviyo's operation id. */
export type HandlerTable = Readonly<Record<string, ApiHandler>>;
