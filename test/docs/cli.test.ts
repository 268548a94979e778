import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { attentionReasons, stages } from '../../src/model/stages.ts';
import { startDocSession, type DocSession } from '../support/doc-session.ts';
import { listDocuments, readDocument, sectionOf } from '../support/markdown.ts';

const page = readDocument('docs/cli.md');

/** What `keyshift … --help` prints. */
async function help(...command: string[]): Promise<string> {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await main([...command, '--help']);
    return write.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    write.mockRestore();
  }
}

/** The long options of a help text or of a section. */
const flagsIn = (text: string) => new Set(text.match(/(?<![\w-])--[a-z][a-z-]*/g));

const commandsIn = (text: string) =>
  [...text.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name]) => name!);

const flags = new Map<string, Set<string>>();
beforeAll(async () => {
  for (const name of commandsIn((await help()).split('Commands:')[1] ?? '')) {
    if (name === 'help') continue;
    const text = await help(name);
    const parts = commandsIn(text.split('Commands:')[1] ?? '').filter((part) => part !== 'help');
    const known = flagsIn(text);
    for (const part of parts) for (const flag of flagsIn(await help(name, part))) known.add(flag);
    flags.set(name, known);
  }
});

describe('docs/cli.md', () => {
  it('has a section for every command of the program, and for no other', () => {
    const sections = [...page.text.matchAll(/^## ([a-z-]+)$/gm)].map(([, name]) => name);
    expect(flags.size).toBeGreaterThan(5);
    expect(sections).toEqual([...flags.keys()]);
  });

  it('lists every option of every command, and no other', () => {
    for (const [name, known] of flags) {
      const table = sectionOf(page.text, name)?.match(/^\| `--.*$/gm) ?? [];
      const listed = flagsIn(table.join('\n'));
      expect([name, ...[...listed].toSorted()]).toEqual([
        name,
        ...[...known].filter((flag) => flag !== '--help').toSorted(),
      ]);
    }
  });

  it('explains every stage and every reason', () => {
    const section = sectionOf(page.text, 'status');
    for (const word of [...stages, ...attentionReasons]) expect(section).toContain(`| \`${word}\``);
  });
});

describe('commands in the documents', () => {
  it.each(listDocuments())('%s names only commands and options that exist', (path) => {
    const { text } = readDocument(path);
    const pattern = /(?:node bin\/keyshift\.mjs|`keyshift) ([a-z-]+)([^\n`]*)/g;
    for (const [line, name = '', rest = ''] of text.matchAll(pattern)) {
      expect([...flags.keys()], line).toContain(name);
      for (const flag of flagsIn(rest)) expect([...flags.get(name)!], line).toContain(flag);
    }
  });
});

describe('a reader of docs/cli.md', () => {
  let session: DocSession;
  beforeAll(async () => {
    session = await startDocSession();
  });
  afterAll(() => session[Symbol.asyncDispose]());

  it('sees after every command what the page says', { timeout: 180_000 }, async () => {
    for (const part of page.parts) expect(await session.follow(part)).toEqual([]);
  });
});
