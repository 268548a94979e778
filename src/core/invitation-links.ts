import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Invitations } from '../migration/consent/invitations.ts';
import type { Connection } from '../model/connection.ts';
import type { Store } from '../store/store.ts';

/** A link by which a customer consents. Whoever has it may begin the consent: treat it as a secret. */
export interface InvitationLink {
  readonly url: string;
  readonly expiresAtMs: number;
  /** Whether it was made just now, or was open already. */
  readonly fresh: boolean;
}

/** Links for customers, for an application that shows them itself. */
export interface InvitationLinks {
  /**
   * The link by which a customer can consent: the one that is open, else a new one.
   *
   * @param options.validForDays of a new link, 30 by default
   * @throws KeyshiftError `connection_not_found`; `stage_conflict` when the customer cannot be
   * invited at its stage
   */
  issue(customerId: string, options?: { readonly validForDays?: number }): Promise<InvitationLink>;
  /**
   * Ends every open link of a customer.
   *
   * @returns how many there were
   * @throws KeyshiftError `connection_not_found`
   */
  revoke(customerId: string): Promise<number>;
}

const dayMs = 86_400_000;
/** How the audit log names an application that calls these. */
const actor = 'application';

/** Creates the links over the invitations of a store. */
export function createInvitationLinks(
  store: Pick<Store, 'connections'>,
  invitations: Invitations,
  publicUrl: string,
): InvitationLinks {
  async function find(customerId: string): Promise<Connection> {
    const connection = await store.connections.findByCustomer(customerId);
    if (connection) return connection;
    throw new KeyshiftError(
      'connection_not_found',
      `Customer ${JSON.stringify(customerId)} has no connection.`,
    );
  }

  return {
    async issue(customerId, { validForDays = 30 } = {}) {
      const connection = await find(customerId);
      const issued = await invitations.issue(connection, validForDays * dayMs, actor);
      return {
        url: `${publicUrl}/connect/${issued.token.reveal()}`,
        expiresAtMs: issued.invitation.expiresAtMs,
        fresh: issued.fresh,
      };
    },
    revoke: async (customerId) => invitations.revoke(await find(customerId), actor),
  };
}
