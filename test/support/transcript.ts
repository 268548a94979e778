/** A command of a `console` block and what the document says that it prints. */
export interface TranscriptStep {
  readonly command: string;
  readonly expected: string;
}

/**
 * Reads a `console` block: every line that begins with `$ ` is a command, a backslash at its end
 * continues it, and the lines up to the next command are its output.
 *
 * @throws Error when the block does not begin with a command
 */
export function readTranscript(block: string): TranscriptStep[] {
  const steps: { command: string; expected: string[] }[] = [];
  let continues = false;
  for (const line of block.replace(/\n$/, '').split('\n')) {
    const last = steps.at(-1);
    if (last && continues) last.command += `\n${line}`;
    else if (line.startsWith('$ ')) steps.push({ command: line.slice(2), expected: [] });
    else if (last) last.expected.push(line);
    else throw new Error(`A console block begins with "${line}", which is no command.`);
    continues = (continues || line.startsWith('$ ')) && line.endsWith('\\');
  }
  return steps.map(({ command, expected }) => ({ command, expected: expected.join('\n') }));
}

/**
 * Whether output is what a document shows. `…` stands for any text within a line, and a line of
 * its own `…` for any number of lines.
 */
export function matchesTranscript(expected: string, actual: string): boolean {
  const pattern = withoutEnd(expected)
    .split('\n')
    .map((line) =>
      line.trim() === '…' ? '(?:.*\n)*?' : `${line.split('…').map(escape).join('.*')}\n`,
    )
    .join('');
  return new RegExp(`^${pattern}$`).test(`${withoutEnd(actual)}\n`);
}

function withoutEnd(text: string): string {
  return text.replace(/\n+$/, '');
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
