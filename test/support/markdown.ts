import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's root, absolute. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A fenced block, or an instruction to the tests: `<!-- test: consent shop-1 -->`. */
export type MarkdownPart =
  | { readonly kind: 'fence'; readonly language: string; readonly text: string; line: number }
  | { readonly kind: 'directive'; readonly text: string; readonly line: number };

/** A document of the project. */
export interface MarkdownDocument {
  /** From the root, as `docs/cli.md`. */
  readonly path: string;
  readonly text: string;
  /** Fences and directives, in order; lines count from 1. */
  readonly parts: readonly MarkdownPart[];
}

/** Reads one document by its path from the root. */
export function readDocument(path: string): MarkdownDocument {
  const text = readFileSync(join(root, path), 'utf8');
  return { path, text, parts: readParts(text) };
}

/** Every Markdown file at the root, in `docs` and in `decisions`. */
export function listDocuments(): string[] {
  return ['.', 'docs', 'decisions'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => (folder === '.' ? name : `${folder}/${name}`)),
  );
}

/** Paragraphs, headings and tables: the text with fenced blocks and comments taken out. */
export function proseOf(text: string): string {
  return text.replace(/^```[^\n]*\n[\s\S]*?^```$/gm, '').replace(/<!--[\s\S]*?-->/g, '');
}

/** The anchors of a document's headings, as GitHub makes them. */
export function anchorsOf(text: string): Set<string> {
  return new Set(
    [...proseOf(text).matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading = '']) =>
      heading
        .trim()
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** The targets of a document's links. */
export function linksOf(text: string): string[] {
  return [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
}

/** The part of a document under a heading, up to the next heading of the same or a higher level. */
export function sectionOf(text: string, heading: string): string | undefined {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.replace(/^#+ /, '') === heading && line[0] === '#');
  if (start < 0) return undefined;
  const level = /^#+/.exec(lines[start] ?? '')?.[0].length ?? 1;
  const end = lines.findIndex((line, at) => at > start && new RegExp(`^#{1,${level}} `).test(line));
  return lines.slice(start + 1, end < 0 ? undefined : end).join('\n');
}

function readParts(text: string): MarkdownPart[] {
  const pattern = /^```(\w*)[^\n]*\n([\s\S]*?)^```$|^<!-- test: (.+?) -->$/gm;
  return [...text.matchAll(pattern)].map(({ 1: language, 2: body, 3: directive, index }) => {
    const line = text.slice(0, index).split('\n').length;
    return directive === undefined
      ? { kind: 'fence', language: language ?? '', text: body ?? '', line }
      : { kind: 'directive', text: directive, line };
  });
}
