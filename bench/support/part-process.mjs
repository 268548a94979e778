/** Runs one part for {@link file://./run.mjs} and sends what it measured. */
const [name, ...flags] = process.argv.slice(2);
// By an exit in order, so that folders and child processes are cleared away.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
const { about, measure } = await import(new URL(`../${name}.mjs`, import.meta.url).href);
const rows = await measure({
  quick: flags.includes('--quick'),
  note: (text) => process.send({ note: text }),
});
process.send({ about, rows }, () => process.disconnect());
