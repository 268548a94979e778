/** A JSON body, or a shape of one as the recorder writes it. */
export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** What addresses in a body are compared with. */
export interface ShapePlace {
  /** Where the API is, such as `http://localhost:1234`. */
  readonly origin: string;
  /** Path and query of the call. */
  readonly called: string;
  /** The id that the call's path asked for. */
  readonly asked: string;
}

/**
 * Says how a body differs from a recorded shape: no key more, none less, each value of its type,
 * links and texts as recorded.
 *
 * @returns one line a difference, none when it has the shape
 */
export function differences(shape: Json, body: Json | undefined, place: ShapePlace): string[] {
  return compare(shape, body, { place, path: '', id: '' });
}

interface At {
  readonly place: ShapePlace;
  readonly path: string;
  /** Id of the resource around the value. */
  readonly id: string;
}

const isObject = (value: Json | undefined): value is { readonly [name: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function compare(shape: Json, value: Json | undefined, at: At): string[] {
  const wrong = (wanted: string) => [
    `${at.path || '/'}: ${wanted} wanted, ${short(value)} answered`,
  ];
  if (shape === null) return value == null ? [] : wrong('no body');
  if (typeof shape === 'string') {
    if (shape.startsWith('=') || shape.startsWith('~')) {
      return matchesWord(shape, value, at) ? [] : wrong(shape);
    }
    return shape.split('|').some((word) => matchesWord(word, value, at)) ? [] : wrong(shape);
  }
  if (Array.isArray(shape)) return compareList((shape as readonly Json[])[0] ?? null, value, at);
  if (!isObject(shape)) return wrong(JSON.stringify(shape));
  if (isObject(shape['@byType'])) return compareByType(shape['@byType'], value, at);
  if (!isObject(value)) return wrong('an object');
  const id =
    typeof value['id'] === 'string' && typeof value['type'] === 'string' ? value['id'] : at.id;
  const known = new Set(Object.keys(shape).map((key) => key.replace(/\?$/, '')));
  const strange = Object.keys(value).filter((key) => !known.has(key));
  return [
    ...strange.map((key) => `${at.path}/${key}: not recorded, ${short(value[key])} answered`),
    ...Object.entries(shape).flatMap(([key, inner]) => {
      const name = key.replace(/\?$/, '');
      const path = `${at.path}/${name}`;
      if (value[name] === undefined) return key.endsWith('?') ? [] : [`${path}: missing`];
      return compare(inner, value[name], { ...at, path, id });
    }),
  ];
}

function compareList(shape: Json, value: Json | undefined, at: At): string[] {
  if (!Array.isArray(value)) return [`${at.path}: a list wanted, ${short(value)} answered`];
  if (value.length === 0) return [`${at.path}: something wanted in the list`];
  return (value as readonly Json[]).flatMap((item, index) =>
    compare(shape, item, { ...at, path: `${at.path}/${index}` }),
  );
}

function compareByType(shape: Json, value: Json | undefined, at: At): string[] {
  if (!Array.isArray(value) || !isObject(shape)) return [`${at.path}: a list wanted`];
  const resources = value as readonly { readonly type: string; readonly id: string }[];
  const missing = Object.keys(shape).filter((type) => !resources.some((one) => one.type === type));
  return [
    ...missing.map((type) => `${at.path}: no ${type} included`),
    ...resources.flatMap((resource) => {
      const path = `${at.path}/${resource.type}`;
      const wanted = shape[resource.type];
      return wanted === undefined
        ? [`${path}: not recorded`]
        : compare(wanted, resource, { ...at, path });
    }),
  ];
}

const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?([+-]\d{2}:\d{2}|Z)$/;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function matchesWord(word: string, value: Json | undefined, at: At): boolean {
  switch (word) {
    case 'str':
      return typeof value === 'string';
    case 'int':
      return Number.isInteger(value);
    case 'num':
      return typeof value === 'number';
    case 'bool':
      return typeof value === 'boolean';
    case 'null':
      return value === null;
    case 'map':
      return isObject(value);
    case 'uuid':
      return typeof value === 'string' && uuid.test(value);
    case 'time':
      return typeof value === 'string' && time.test(value);
    case '[]':
      return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
    default:
      return typeof value === 'string' && matchesText(word, value, at);
  }
}

function matchesText(word: string, value: string, { place, id }: At): boolean {
  const { origin, called, asked } = place;
  if (word === '@self') return value === origin + called;
  if (word === '@next') {
    const joint = called.includes('?') ? '&' : '?';
    return decodeURIComponent(value).startsWith(
      `${origin}${decodeURIComponent(called)}${joint}page[cursor]=`,
    );
  }
  if (word === '@page') return value.startsWith(`${origin}${called.split('?')[0] ?? ''}?`);
  if (word.startsWith('~')) return new RegExp(word.slice(1)).test(value);
  if (word.startsWith('/')) return value === `${origin}/api${word.replaceAll('{id}', id)}`;
  if (!word.startsWith('=')) return false;
  const pattern = word
    .slice(1)
    .split(/(\{\w+\})/)
    .map((part) => patternOf(part, asked))
    .join('');
  return new RegExp(`^${pattern}$`).test(value);
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

function patternOf(part: string, asked: string): string {
  if (part === '{id}') return escaped(asked);
  if (part === '{n}') return '\\d+';
  return part === '{s}' ? 's?' : escaped(part);
}

function short(value: Json | undefined): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 80);
}
