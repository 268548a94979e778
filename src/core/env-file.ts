import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Environment } from './environment-reader.ts';

/** One assignment of an environment file. */
interface Assignment {
  readonly name: string;
  /** Absent where there is no equals sign. */
  readonly value: string | undefined;
  readonly line: number;
}

/**
 * Reads the text of an environment file as python-dotenv does, which reads the file of Klaviyo's
 * demo: `export`, quotes with their escapes and over several lines, comments, every line end, and
 * `${NAME}` or `${NAME:-default}` from `environment` or from further up. The last of several
 * assignments counts.
 *
 * @param label the name of the file, for errors
 * @throws KeyshiftError `config_invalid` for a line that is no assignment, and for a reference to
 * nothing; names the line and never shows it
 * @see https://github.com/theskumar/python-dotenv
 */
export function parseEnvFile(text: string, label: string, environment: Environment): Environment {
  const values: Record<string, string> = {};
  for (const assignment of readAssignments(text.replace(/^\ufeff/, ''), label)) {
    if (assignment.value === undefined) continue;
    values[assignment.name] = resolveReferences(assignment.value, (reference) => {
      const known = environment[reference.name] ?? values[reference.name] ?? reference.fallback;
      if (known !== undefined) return known;
      const { name, line } = assignment;
      throw wrongLine(
        label,
        line,
        `${name} refers to ${reference.text}, which is not set`,
        'Set it further up, give it a default as in ${NAME:-default}, or write the value itself.',
      );
    });
  }
  return values;
}

const blank = String.raw`[^\S\r\n]*`;
const lineEnd = String.raw`(?:\r\n|\n|\r|$)`;

/** Blank lines and lines of comments; leads over them to the next assignment, or to the end. */
const nothing = new RegExp(String.raw`(?:\s*(?:#[^\r\n]*${lineEnd})?)+`, 'uy');

/** A name, and its value in single quotes, in double quotes, or up to the end of the line. */
const assignmentForm = new RegExp(
  String.raw`(?:export[^\S\r\n]+)?(?:'(?<quoted>[^']+)'|(?<plain>[^=#\s']+[^=#\s]*))${blank}` +
    String.raw`(?:=(?<gap>${blank})(?:'(?<single>(?:\\'|[^'])*)'|"(?<double>(?:\\"|[^"])*)"` +
    String.raw`|(?!${blank}['"])(?<bare>[^\r\n]*)))?${blank}(?:#[^\r\n]*)?${lineEnd}`,
  'uy',
);

function* readAssignments(text: string, label: string): Generator<Assignment> {
  let at = 0;
  const take = (form: RegExp) => {
    form.lastIndex = at;
    const match = form.exec(text);
    if (match) at = form.lastIndex;
    return match;
  };
  for (;;) {
    take(nothing);
    if (at >= text.length) return;
    const line = text.slice(0, at).split(/\r\n|\n|\r/).length;
    const groups = take(assignmentForm)?.groups as Record<string, string | undefined> | undefined;
    if (!groups) {
      throw wrongLine(
        label,
        line,
        'is not NAME=value',
        'Check its quotes, or put # before it if it is a comment.',
      );
    }
    const { quoted, plain, gap = '', single, double, bare } = groups;
    const value =
      single?.replaceAll(/\\([\\'])/g, '$1') ??
      double?.replaceAll(/\\([\\'"abfnrtv])/g, (_, char: string) => escapes.get(char) ?? char) ??
      (bare === undefined ? undefined : withoutComment(gap + bare));
    yield { name: quoted ?? plain ?? '', value, line };
  }
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['a', '\u0007'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
]);

/** A number sign begins a comment only behind a blank. */
function withoutComment(text: string): string {
  return text.replace(/\s+#.*/s, '').trim();
}

interface Reference {
  readonly text: string;
  readonly name: string;
  readonly fallback: string | undefined;
}

function resolveReferences(value: string, resolve: (reference: Reference) => string): string {
  return value.replaceAll(/\$\{([^}]*)\}/g, (text, inner: string) => {
    const [, name = inner, fallback] = /^([^:]*):-(.*)$/s.exec(inner) ?? [];
    return resolve({ text, name, fallback });
  });
}

function wrongLine(label: string, line: number, what: string, fix: string) {
  const message = what.startsWith('is ')
    ? `${label} line ${line} ${what}.`
    : `${label} line ${line}: ${what}.`;
  return new KeyshiftError('config_invalid', message, { fix });
}
