import { sql, type RawBuilder } from 'kysely';
import {
  isInvited,
  journeyStages,
  stages,
  stagesWhere,
  type AttentionReason,
  type Stage,
} from '../model/stages.ts';
import type { Database, TableName } from './database.ts';

/** How long connections stayed at a stage before they left it. */
export interface StageTime {
  readonly stage: Stage;
  /** Stays that have ended. */
  readonly stays: number;
  /** Half of the stays ended within this, nine in ten within the other. */
  readonly p50Ms: number;
  readonly p90Ms: number;
}

/** Connections that need a person for one reason. */
export interface FailureCount {
  readonly reason: AttentionReason;
  readonly count: number;
  /** When the one that waits longest was last changed. */
  readonly oldestMs: number;
}

/** A customer who has a link and has not consented. */
export interface Unanswered {
  readonly connectionId: string;
  readonly customerId: string;
  readonly name: string | undefined;
  readonly invitedAtMs: number;
  /** Of the link that lives longest. */
  readonly expiresAtMs: number;
}

/** Consents on one day, UTC. */
export interface DayCount {
  readonly dayStartMs: number;
  readonly count: number;
}

/** The questions of reports, answered by the database over all connections at once. */
export interface ReportStore {
  /** Connections by the farthest stage that each has ever come to. */
  countByFarthest(): Promise<ReadonlyMap<Stage, number>>;
  /** In the order of the journey. */
  timeInStage(): Promise<StageTime[]>;
  /** Most first. */
  failures(): Promise<FailureCount[]>;
  /** First consents of connections by day, earliest first. */
  consentsByDay(): Promise<DayCount[]>;
  /** Those who were invited first come first. */
  unanswered(limit: number): Promise<Unanswered[]>;
}

const dayMs = 86_400_000;

/** Answers reports with aggregates, so that the size of the campaign never reaches the memory. */
export function createReportStore(database: Database): ReportStore {
  const run = <Row>(build: (table: TableName) => RawBuilder<Row>): Promise<Row[]> =>
    database.query((db, table) => ({ compile: () => build(table).compile(db) }));

  return {
    async countByFarthest() {
      const rank = sql.join(
        journeyStages.map((stage, at) => sql`when ${sql.lit(stage)} then ${sql.lit(at)}`),
        sql` `,
      );
      // Connections without a line in the log stand where they are.
      const rows = await run(
        (table) => sql<{ place: number | null; count: number }>`
        select farthest.place as place, count(*) as count from (
          select c.id, max(case coalesce(e.to_stage, c.stage) ${rank} else 0 end) as place
          from ${table('connections')} c
          left join ${table('audit_events')} e on e.connection_id = c.id and e.to_stage is not null
          group by c.id
        ) as farthest group by farthest.place
      `,
      );
      return new Map(
        rows.map(({ place, count }) => [journeyStages[place ?? 0] ?? 'imported', count] as const),
      );
    },

    async timeInStage() {
      const rows = await run(
        (table) => sql<{ stage: Stage; stays: number; p50: number; p90: number }>`
        select stage, stays,
          min(case when place * 2 >= stays then ms end) as p50,
          min(case when place * 10 >= stays * 9 then ms end) as p90
        from (
          select stage, ms,
            row_number() over (partition by stage order by ms) as place,
            count(*) over (partition by stage) as stays
          from (
            select to_stage as stage,
              lead(at) over (partition by connection_id order by seq) - at as ms
            from ${table('audit_events')} where to_stage is not null and connection_id is not null
          ) as spans where ms is not null
        ) as ranked group by stage, stays
      `,
      );
      return rows
        .map(({ stage, stays, p50, p90 }) => ({
          ...{ stage, stays, p50Ms: p50, p90Ms: p90 },
        }))
        .sort((a, b) => stages.indexOf(a.stage) - stages.indexOf(b.stage));
    },

    async failures() {
      const rows = await run(
        (table) => sql<{ reason: AttentionReason; count: number; oldest: number }>`
        select attention_reason as reason, count(*) as count, min(updated_at) as oldest
        from ${table('connections')} where stage = 'attention' and attention_reason is not null
        group by attention_reason order by count(*) desc, attention_reason
      `,
      );
      return rows.map(({ reason, count, oldest }) => ({
        ...{ reason, count, oldestMs: oldest },
      }));
    },

    async consentsByDay() {
      const rows = await run(
        (table) => sql<{ day: number; count: number }>`
        select first_at / ${sql.lit(dayMs)} as day, count(*) as count from (
          select min(at) as first_at from ${table('audit_events')}
          where to_stage = 'authorized' and connection_id is not null group by connection_id
        ) as firsts group by first_at / ${sql.lit(dayMs)} order by 1
      `,
      );
      return rows.map(({ day, count }) => ({
        ...{ dayStartMs: day * dayMs, count },
      }));
    },

    async unanswered(limit) {
      const rows = await run(
        (table) => sql<{
          id: string;
          customer_id: string;
          name: string | null;
          invited: number;
          expires: number;
        }>`
        select c.id, c.customer_id, c.name,
          min(i.created_at) as invited, max(i.expires_at) as expires
        from ${table('connections')} c join ${table('invitations')} i on i.connection_id = c.id
        where c.stage in (${sql.join(stagesWhere(isInvited))})
        group by c.id, c.customer_id, c.name order by min(i.created_at), c.customer_id limit ${limit}
      `,
      );
      return rows.map((row) => ({
        connectionId: row.id,
        customerId: row.customer_id,
        name: row.name ?? undefined,
        invitedAtMs: row.invited,
        expiresAtMs: row.expires,
      }));
    },
  };
}
