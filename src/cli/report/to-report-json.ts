/** Names in JSON are snake_case, and times are ISO 8601 instead of milliseconds. */
export function toReportJson(report: object): string {
  return JSON.stringify(convert(report));
}

function convert(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(convert);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(convertField));
}

function convertField([name, value]: readonly [string, unknown]): readonly [string, unknown] {
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const isTime = /(?:[aA]t|oldest|dayStart|[sS]ince)Ms$/.test(name);
  if (isTime) {
    const time = typeof value === 'number' ? new Date(value).toISOString() : null;
    return [snake.replace(/_ms$/, ''), time];
  }
  return [snake, value === undefined ? null : convert(value)];
}
