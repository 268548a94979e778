import { KeyshiftError } from './keyshift-error.ts';

/**
 * Another writer changed a connection first. A class of its own because callers decide differently
 * from other stage conflicts: they read the connection again, or leave it alone.
 */
export class ConnectionChangedError extends KeyshiftError<'stage_conflict'> {
  constructor(customerId: string) {
    super(
      'stage_conflict',
      `The connection of customer ${JSON.stringify(customerId)} was changed by someone else in the meantime.`,
      { fix: 'Read the connection again and repeat the change.' },
    );
  }
}
