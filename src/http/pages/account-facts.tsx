import { speak, type PageLanguage } from './language.ts';
import { Name } from './name.tsx';

/** A Klaviyo account as its owner recognises it. */
export interface AccountLabel {
  readonly name?: string | undefined;
  /** The account id as Klaviyo shows it, for example `AbC123`. */
  readonly id?: string | undefined;
}

/** An account's name and id, as far as they are known. */
export function AccountFacts({
  account,
  language,
}: {
  readonly account: AccountLabel;
  readonly language?: PageLanguage | undefined;
}) {
  const say = speak(language);
  if (account.name === undefined && account.id === undefined)
    return <>{say('unknown', 'unbekannt')}</>;
  return (
    <>
      {account.name !== undefined && <Name value={account.name} />}{' '}
      {account.id !== undefined && (
        <span class="account-id">
          {say('Account ID', 'Konto-ID')} <Name value={account.id} />
        </span>
      )}
    </>
  );
}
