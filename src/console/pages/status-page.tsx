import type { PageProps } from '../../http/pages/layout.tsx';
import { hasMoved, isInvited, stagesWhere, type Stage } from '../../model/stages.ts';
import { ConnectionTable, type ConnectionRow } from './connection-table.tsx';
import { ConsoleLayout } from './console-layout.tsx';
import { formatCount, StageFunnel, tallyByStage, type StageTally } from './stage-funnel.tsx';

/** What {@link StatusPage} shows. */
export interface StatusPageProps extends PageProps {
  /** As `ConnectionStore.countByStage` answers; several entries of one stage are summed. */
  readonly counts: readonly StageTally[];
  /** One page of connections. */
  readonly rows: readonly ConnectionRow[];
  /** How many connections there are on all pages. */
  readonly total: number;
  readonly nextHref?: string | undefined;
  /** Goes back as the form field `csrf_token`. */
  readonly csrfToken: string;
}

/** How far the migration has come: figures, a bar for each stage, and the connections. */
export function StatusPage({ counts, rows, total, nextHref, csrfToken, ...page }: StatusPageProps) {
  const tally = tallyByStage(counts);
  return (
    <ConsoleLayout {...page} title="Migration" width="wide" signOutToken={csrfToken}>
      <h1>Migration</h1>
      <Figures tally={tally} total={total} />
      <section class="card" aria-labelledby="stages">
        <h2 id="stages">Connections by stage</h2>
        <StageFunnel counts={tally} />
      </section>
      <h2>Connections</h2>
      {rows.length === 0 ? (
        <Nothing total={total} />
      ) : (
        <ConnectionTable
          rows={rows}
          caption={`${formatCount(rows.length)} of ${formatCount(total)}, by customer`}
        />
      )}
      {nextHref !== undefined && (
        <nav class="pager" aria-label="Pages">
          <a class="button quiet" href={nextHref} rel="next">
            Next page
          </a>
        </nav>
      )}
    </ConsoleLayout>
  );
}

interface FiguresProps {
  readonly tally: ReadonlyMap<Stage, number>;
  readonly total: number;
}

function Figures({ tally, total }: FiguresProps) {
  const sum = (some: readonly Stage[]) =>
    some.reduce((count, stage) => count + (tally.get(stage) ?? 0), 0);
  return (
    <dl class="figures">
      <Figure label="Connections" count={total} />
      <Figure label="Moved to OAuth" count={sum(stagesWhere(hasMoved))} />
      <Figure label="Waiting for the customer" count={sum(stagesWhere(isInvited))} />
      <Figure label="Need attention" count={sum(['attention'])} />
    </dl>
  );
}

function Figure({ label, count }: { readonly label: string; readonly count: number }) {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd>{formatCount(count)}</dd>
    </div>
  );
}

function Nothing({ total }: { readonly total: number }) {
  if (total > 0) return <p>There are no more connections.</p>;
  return (
    <p>
      Nothing has been imported yet. Start with <code>keyshift import customers.csv</code>.
    </p>
  );
}
