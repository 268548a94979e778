import type { Child } from 'hono/jsx';
import { Name } from '../../http/pages/name.tsx';
import type { Connection, Route } from '../../model/connection.ts';
import { hasMoved, reasonRules, stageRules } from '../../model/stages.ts';

/** What the console's table shows of a connection. */
export type ConnectionRow = Pick<
  Connection,
  | 'customerId'
  | 'name'
  | 'accountId'
  | 'accountName'
  | 'stage'
  | 'attentionReason'
  | 'route'
  | 'updatedAtMs'
>;

interface ConnectionTableProps {
  readonly rows: readonly ConnectionRow[];
  readonly caption: string;
}

/** Which credential the traffic uses, in words. */
const routeWords = {
  key: 'Private key',
  canary: 'Key, part OAuth',
  oauth: 'OAuth',
  none: 'Disconnected',
} as const satisfies Record<Route, string>;

const columns = ['Customer', 'Account', 'Stage', 'Traffic', 'Updated'] as const;

/** Connections as a table; on a phone each row becomes a card with its column names. */
export function ConnectionTable({ rows, caption }: ConnectionTableProps) {
  // The roles keep it a table for screen readers where CSS lays the rows out as blocks.
  return (
    <table role="table">
      <caption>{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <th scope="col" role="columnheader">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <Row row={row} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ row }: { readonly row: ConnectionRow }) {
  return (
    <tr role="row">
      <th scope="row" role="rowheader" data-label="Customer">
        <TwoLines first={row.name ?? row.customerId} second={row.name && row.customerId} />
      </th>
      <Cell label="Account">
        <TwoLines
          first={row.accountName ?? row.accountId ?? 'not known yet'}
          second={row.accountName && row.accountId}
        />
      </Cell>
      <Cell label="Stage">
        <StageCell row={row} />
      </Cell>
      <Cell label="Traffic">
        <span class="nowrap">{routeWords[row.route]}</span>
      </Cell>
      <Cell label="Updated">
        <Moment atMs={row.updatedAtMs} />
      </Cell>
    </tr>
  );
}

function Cell({ label, children }: { readonly label: string; readonly children: Child }) {
  return (
    <td role="cell" data-label={label}>
      <div>{children}</div>
    </td>
  );
}

function TwoLines(props: { readonly first: string; readonly second?: string | undefined }) {
  return (
    <div>
      <Name value={props.first} />
      {props.second !== undefined && props.second !== '' && (
        <span class="muted">
          <Name value={props.second} />
        </span>
      )}
    </div>
  );
}

function StageCell({ row }: { readonly row: ConnectionRow }) {
  if (row.attentionReason !== undefined) {
    const { label, meaning } = reasonRules[row.attentionReason];
    return (
      <>
        <span class="pill warn">{label}</span> <span class="muted">{meaning}</span>
      </>
    );
  }
  const tone = row.stage === 'attention' ? ' warn' : hasMoved(row) ? ' good' : '';
  return <span class={`pill${tone}`}>{stageRules[row.stage].label}</span>;
}

function Moment({ atMs }: { readonly atMs: number }) {
  const iso = new Date(atMs).toISOString();
  return <time datetime={iso}>{`${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`}</time>;
}
