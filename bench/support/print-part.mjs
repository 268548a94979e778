/** Prints the rows of a part as a table. */
export function printPart({ part, about, rows, load }) {
  const lines = [`\n${part}: ${about}`];
  const width = Math.max(...rows.map(({ name }) => name.length));
  for (const { name, value, unit, aim } of rows) {
    lines.push(
      `  ${name.padEnd(width)}  ${round(value).padStart(8)} ${unit}${aimText(value, aim)}`,
    );
  }
  lines.push(`  load average ${load.before.toFixed(1)} before, ${load.after.toFixed(1)} after`);
  process.stdout.write(`${lines.join('\n')}\n`);
}

function round(value) {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function aimText(value, aim) {
  if (aim === undefined) return '';
  const met = aim.most === undefined ? value >= aim.least : value <= aim.most;
  const words = aim.most === undefined ? `at least ${aim.least}` : `at most ${aim.most}`;
  return `  (aim: ${words}: ${met ? 'met' : 'MISSED'})`;
}
