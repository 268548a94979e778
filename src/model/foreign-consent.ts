/** A consent to another account than the connection's. Its grant is set aside. */
export interface ForeignConsent {
  readonly grantId: string;
  readonly connectionId: string;
  readonly accountId: string;
  readonly accountName: string | undefined;
  readonly consentedAtMs: number;
  /** When its grant began to serve its account: by an operator's word, or in place of a lost one. */
  readonly settledAtMs: number | undefined;
}
