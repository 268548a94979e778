import { queryOf, type SandboxCall } from '../http/sandbox-env.ts';
import { answerPage } from '../pages/layout.tsx';
import { AccountsSection, InstallsSection, type ControlPage } from './accounts-section.tsx';
import { FaultsSection, ScenariosSection } from './faults-section.tsx';
import { Action, actions, NumberField, Table } from './form.tsx';

const shownRequests = 50;
const dayMs = 86_400_000;

/**
 * `GET /`: what the sandbox holds, with buttons for what can be done to it. Never a token, a client
 * secret or a whole key. `?q=` finds accounts.
 */
export function showIndex(c: SandboxCall, { context, control }: ControlPage) {
  const { requests, refreshes, exchanges, faults } = control.statistics();
  const body = (
    <>
      <p class="note">
        A stand-in for Klaviyo at <code>{context.origin}</code>: nothing here reaches Klaviyo.{' '}
        <a href="/_sandbox/help">What it can do</a> · <a href="/_sandbox/forms">All controls</a> ·{' '}
        <a href="/marketplace">Marketplace</a>
      </p>
      <p>
        Requests: {requests}, refreshes: {refreshes}, codes exchanged: {exchanges}, faults applied:{' '}
        {faults}.
      </p>
      <ClockSection control={control} />
      <InstallsSection context={context} control={control} />
      <ScenariosSection control={control} />
      <FaultsSection control={control} />
      <AccountsSection context={context} query={queryOf(c).get('q') ?? ''} />
      <AppsSection control={control} />
      <RequestsSection control={control} />
      <h2 id="start-again">Start over</h2>
      <div class="actions">
        <Action path="/reset" label="Reset to the seed" back="/" />
      </div>
    </>
  );
  return answerPage(c, { title: 'Klaviyo sandbox', body, wide: true });
}

type Section = Pick<ControlPage, 'control'>;

function ClockSection({ control }: Section) {
  const { nowMs, frozen, aheadMs } = control.clock();
  const back = '/#clock';
  const ahead = Math.round(aheadMs / 1_000);
  const steps = [
    ['+1 minute', 60_000],
    ['+1 hour', 3_600_000],
    ['+1 day', dayMs],
    ['+91 days', 91 * dayMs],
  ] as const;
  return (
    <>
      <h2 id="clock">Clock</h2>
      <p>
        <time>{new Date(nowMs).toISOString()}</time>
        {frozen && ', frozen'}
        {ahead !== 0 && `, ${ahead} s from the machine’s`}
      </p>
      <div class="actions">
        {steps.map(([label, ms]) => (
          <Action path="/clock/advance" label={label} fields={{ ms: String(ms) }} back={back} />
        ))}
        <Action path="/clock/advance" label="Advance" back={back}>
          <NumberField label="Milliseconds" name="ms" />
        </Action>
        {frozen ? (
          <Action path="/clock/resume" label="Run" back={back} />
        ) : (
          <Action path="/clock/freeze" label="Freeze" back={back} />
        )}
        <Action
          path="/clock/resume"
          label="Back to real time"
          fields={{ from: 'real-time' }}
          back={back}
        />
      </div>
    </>
  );
}

function AppsSection({ control }: Section) {
  const rows = control
    .apps()
    .map(({ clientId, name, redirectUris, scopes }) => [
      name,
      <code>{clientId}</code>,
      redirectUris.join(' '),
      scopes.join(' '),
      <Action
        path="/apps/secret"
        label="New secret"
        describedAs={`for ${name}`}
        fields={{ clientId }}
        back="/#apps"
      />,
    ]);
  const head = ['Name', 'Client ID', 'Redirect URIs', 'Scopes', actions];
  return (
    <>
      <h2 id="apps">Apps</h2>
      <Table name="Apps" head={head} rows={rows} />
    </>
  );
}

function RequestsSection({ control }: Section) {
  const rows = control
    .requests()
    .slice(-shownRequests)
    .reverse()
    .map((request) => [
      new Date(request.atMs).toISOString().slice(11, 23),
      request.method,
      <code>{request.path}</code>,
      request.operation ?? '',
      request.accountId ?? '',
      request.credential === 'none' ? '' : request.credential,
      request.status === 0 ? 'none' : request.status,
      request.fault ?? '',
    ]);
  const head = ['Time', 'Method', 'Path', 'Operation', 'Account', 'With', 'Status', 'Fault'];
  return (
    <>
      <h2 id="requests">Recent requests</h2>
      {rows.length === 0 ? (
        <p>No requests yet.</p>
      ) : (
        <>
          <div class="actions">
            <Action path="/requests/clear" label="Clear" back="/#requests" />
          </div>
          <Table name="Recent requests" head={head} rows={rows} />
        </>
      )}
    </>
  );
}
