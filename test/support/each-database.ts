import { createPostgresDatabase, createSqliteDatabase } from './databases.ts';

/** For `describe.each`: what to call a database, and how to get an empty one. */
export const eachDatabase = [
  { database: 'SQLite', create: createSqliteDatabase },
  { database: 'PostgreSQL', create: createPostgresDatabase },
] as const;
