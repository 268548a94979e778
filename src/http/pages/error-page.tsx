import type { ErrorEntry } from '../../errors/error-table.ts';
import { scrub } from '../../runtime/scrub.ts';
import { cleanText } from './clean-text.ts';
import { Layout, type PageProps } from './layout.tsx';
import { MessageCard } from './message-card.tsx';
import { Retry } from './retry.tsx';

/** The fields of a `KeyshiftError`, and who reads the page. */
export interface ErrorPageProps extends PageProps {
  readonly title: string;
  readonly message: string;
  readonly fix: string;
  readonly code: string;
  readonly requestId?: string | undefined;
  readonly retryHref?: string | undefined;
  /** Who can fix the error, as the error table says. */
  readonly audience: ErrorEntry['audience'];
  /**
   * Who looks at the page. A `customer` (default) is shown message and fix only of errors that a
   * customer can fix; `developer`, in development and in the console, always.
   */
  readonly reader?: 'customer' | 'developer';
  readonly integratorName?: string | undefined;
}

/** One page for every error of the table. Shows no stack and no cause, and scrubs its texts. */
export function ErrorPage(props: ErrorPageProps) {
  const canFix = props.audience === 'customer' || props.reader === 'developer';
  return (
    <Layout
      stylesheetHref={props.stylesheetHref}
      sandbox={props.sandbox}
      title={props.title}
      brand={props.integratorName}
    >
      <MessageCard tone={canFix ? 'warn' : 'bad'} heading={cleanText(props.title)}>
        {canFix ? (
          <>
            <p>{cleanText(scrub(props.message), 1000)}</p>
            {props.fix !== props.message && <p>{cleanText(scrub(props.fix), 1000)}</p>}
          </>
        ) : (
          <>
            <p>This isn’t something you can fix, and you did nothing wrong.</p>
            <p>If it happens again, tell the company that sent you here.</p>
          </>
        )}
        {props.retryHref !== undefined && <Retry href={props.retryHref} />}
        <div class="reference">
          <p>
            Error <code>{cleanText(props.code)}</code>
            {props.requestId !== undefined && (
              <>
                , request <code>{cleanText(props.requestId)}</code>
              </>
            )}
          </p>
        </div>
      </MessageCard>
    </Layout>
  );
}
