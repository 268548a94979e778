import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { ForeignConsent } from '../../model/foreign-consent.ts';
import type { MetricComparisonRecord } from '../../model/metric-record.ts';
import type { Retirement } from '../../model/retirement.ts';
import type { VerificationCheck } from '../../model/verification.ts';
import type { Labels } from '../../model/labels.ts';
import type { OutboxEntry } from '../../model/message.ts';
import type { AuditEntry, AuditHead } from '../../model/audit.ts';
import type { Connection } from '../../model/connection.ts';
import type { Invitation } from '../../model/invitation.ts';
import type { PrivateKeyInfo } from '../../model/private-key.ts';
import type { Store } from '../../store/store.ts';
import type { RouteTally } from '../../model/traffic.ts';

/** An invitation without what makes its link. */
export type InvitationRecord = Omit<Invitation, 'tokenHash'>;

/** Everything that is on record about one customer's move; never a secret, never a link. */
export interface Evidence {
  readonly atMs: number;
  readonly connection: Connection;
  readonly labels: Labels;
  readonly audit: readonly AuditEntry[];
  /** Whether the whole audit log proves itself, and where it ends. */
  readonly chain: { readonly intact: boolean; readonly head: AuditHead | undefined };
  readonly invitations: readonly InvitationRecord[];
  readonly messages: readonly OutboxEntry[];
  readonly checks: readonly VerificationCheck[];
  readonly foreignConsents: readonly ForeignConsent[];
  readonly traffic: { readonly key: RouteTally; readonly oauth: RouteTally };
  readonly metrics: MetricComparisonRecord | undefined;
  readonly privateKey: PrivateKeyInfo | undefined;
  readonly retirement: Retirement | undefined;
}

/**
 * Collects what is on record about a customer.
 *
 * @throws KeyshiftError `connection_not_found`
 */
export async function collectEvidence(
  store: Store,
  customerId: string,
  nowMs: number,
): Promise<Evidence> {
  const connection = await store.connections.findByCustomer(customerId);
  if (!connection) {
    throw new KeyshiftError('connection_not_found', `There is no customer ${customerId}.`);
  }
  const { id } = connection;
  const { breakCount, head } = await store.audit.verify();
  return {
    atMs: nowMs,
    connection,
    labels: await store.labels.of(id),
    audit: await Array.fromAsync(store.audit.list({ connectionId: id })),
    chain: { intact: breakCount === 0, head },
    invitations: (await store.invitations.listByConnection(id)).map(withoutHash).toReversed(),
    messages: await Array.fromAsync(store.outbox.list({ connectionId: id })),
    checks: await store.verifications.list(id),
    foreignConsents: await store.foreignConsents.listByConnection(id),
    traffic: await store.traffic.summarize(id, 0),
    metrics: await store.metricRecords.comparison(id),
    privateKey: await store.privateKeys.info(id),
    retirement: await store.retirements.find(id),
  };
}

function withoutHash({ tokenHash: _unused, ...invitation }: Invitation): InvitationRecord {
  return invitation;
}
