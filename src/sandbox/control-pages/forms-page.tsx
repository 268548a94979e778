import { z } from 'zod';
import { controlPrefix, type ControlRoute } from '../control/control-route.ts';
import { controlRoutes } from '../control/control-routes.ts';
import type { SandboxCall } from '../http/sandbox-env.ts';
import { answerPage } from '../pages/layout.tsx';
import { Action, Hidden } from './form.tsx';

/** `GET /_sandbox/forms`: a form for every control route, made from the table of routes. */
export function showForms(c: SandboxCall) {
  const body = (
    <>
      <p>
        <a href="/">Back to the sandbox</a>. Each form is an HTTP route too: send the same fields
        with <code>curl -d</code>, or as JSON.
      </p>
      {controlRoutes.map((route) => (
        <RouteSection route={route} />
      ))}
    </>
  );
  return answerPage(c, { title: 'All controls', body, wide: true });
}

function RouteSection({ route }: { readonly route: ControlRoute }) {
  const { method, path, does, ability } = route;
  const id = `${method.toLowerCase()}${path.replaceAll('/', '-')}`;
  const place = `${controlPrefix}${path}`;
  return (
    <section id={id}>
      <h2>{ability}</h2>
      <p>
        {does} — <code>{`${method} ${place}`}</code>
      </p>
      {method === 'GET' ? (
        <form class="action" method="get" action={place}>
          <Fields of={route} />
          <button type="submit">
            Show
            <Hidden text={ability} />
          </button>
        </form>
      ) : (
        <Action path={path} label="Run" describedAs={ability} back={`/_sandbox/forms#${id}`}>
          <Fields of={route} />
        </Action>
      )}
    </section>
  );
}

interface FieldSchema {
  readonly type?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: unknown;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
}

function Fields({ of: route }: { readonly of: ControlRoute }) {
  const schema = z.toJSONSchema(route.input, {
    io: 'input',
    unrepresentable: 'any',
  }) as FieldSchema;
  return (
    <>
      {fieldsIn(schema, '').map(([name, field]) => (
        <label class="field">
          <span>
            {name}
            {typeof field.description === 'string' && <small> {field.description}</small>}
          </span>{' '}
          <Input name={name} schema={field} />
        </label>
      ))}
    </>
  );
}

function fieldsIn({ properties = {} }: FieldSchema, prefix: string): [string, FieldSchema][] {
  return Object.entries(properties).flatMap(([name, schema]) =>
    schema.properties
      ? fieldsIn(schema, `${prefix}${name}.`)
      : [[`${prefix}${name}`, schema] satisfies [string, FieldSchema]],
  );
}

function Input({ name, schema }: { readonly name: string; readonly schema: FieldSchema }) {
  const options = schema.type === 'boolean' ? ['true', 'false'] : schema.enum;
  if (options) {
    return (
      <select name={name}>
        {['', ...options.map(String)].map((option) => (
          <option>{option}</option>
        ))}
      </select>
    );
  }
  if (schema.type === 'number' || schema.type === 'integer') {
    return <input type="number" step="any" name={name} />;
  }
  if (schema.type === 'string') return <input type="text" name={name} autocomplete="off" />;
  return <textarea name={name} rows={3} spellcheck={false} placeholder="JSON"></textarea>;
}
