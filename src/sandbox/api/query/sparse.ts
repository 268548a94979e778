import { isJsonObject, type JsonObject, type JsonValue } from '../../state/json.ts';

/** The value at a path such as `location.city`. */
export function valueAt(object: JsonObject, path: string): JsonValue | undefined {
  if (Object.hasOwn(object, path)) return object[path];
  const dot = path.indexOf('.');
  const child = dot < 0 ? undefined : object[path.slice(0, dot)];
  return isJsonObject(child) ? valueAt(child, path.slice(dot + 1)) : undefined;
}

/** Only the named fields of the attributes; dots lead into nested objects. */
export function pick(attributes: JsonObject, fields: readonly string[]): JsonObject {
  const picked: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (fields.includes(name)) picked[name] = value;
    else if (isJsonObject(value)) {
      const inner = fields
        .filter((field) => field.startsWith(`${name}.`))
        .map((field) => field.slice(name.length + 1));
      if (inner.length > 0) picked[name] = pick(value, inner);
    }
  }
  return picked;
}
