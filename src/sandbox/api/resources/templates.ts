import { z } from 'zod';
import type { HandlerTable } from '../api-call.ts';
import {
  addStored,
  changeStored,
  collectionOf,
  createStored,
  deleteStored,
  getStored,
  listStored,
  updateStored,
  withTimes,
  type StoredKind,
} from '../stored-kind.ts';
import { seedName, type SeededKind } from '../seeded-kind.ts';
import { change, creation, nameText } from './bodies.ts';

const templateKind: StoredKind = {
  type: 'template',
  path: 'templates',
  attributes: (_, template) => withTimes(template),
};

const markup = z.string().max(1_000_000);

/** Templates of HTML. Those of the drag-and-drop editor answer 501. */
const createTemplate = createStored(
  templateKind,
  creation('template', {
    name: nameText,
    editor_type: z.string(),
    html: markup.nullish(),
    text: markup.nullish(),
    amp: markup.nullish(),
    definition: z.unknown().optional(),
  }),
  (call, { data: { attributes } }) => {
    const { definition, editor_type, name, html, text, amp } = attributes;
    if (definition !== undefined || editor_type !== 'CODE') {
      return { refusal: call.errors.notImplemented('A template of another editor than CODE') };
    }
    const shown = { name, editor_type, html: html ?? '', text: text ?? null, amp: amp ?? null };
    return addStored(call, templateKind, shown);
  },
);

const updateTemplate = updateStored(
  templateKind,
  change('template', {
    name: nameText.optional(),
    html: markup.optional(),
    text: markup.nullable().optional(),
    amp: markup.nullable().optional(),
    definition: z.unknown().optional(),
  }),
  (call, template, { data: { attributes } }) =>
    attributes.definition === undefined
      ? changeStored(call, templateKind, template, attributes)
      : { refusal: call.errors.notImplemented('The definition of a template') },
);

const cloneBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('template'),
    id: z.string(),
    attributes: z.strictObject({ name: nameText.nullish() }).default({}),
  }),
});

const cloneTemplate = createStored(templateKind, cloneBody, (call, { data }) => {
  const original = collectionOf(call, templateKind).get(data.id);
  if (!original) return { refusal: call.errors.notFound('template', data.id) };
  // A clone without a name of its own has the original's (assumed).
  const name = data.attributes.name ?? original.attributes['name'] ?? null;
  return addStored(call, templateKind, { ...original.attributes, name });
});

/** A template that exists from the start. */
export interface SeedTemplate {
  readonly name: string;
  readonly html: string;
}

export const seededTemplates: SeededKind<SeedTemplate> = {
  type: templateKind.type,
  schema: z.strictObject({ name: seedName, html: z.string() }),
  attributes: ({ html }) => ({ editor_type: 'CODE', text: null, amp: null, html }),
};

export const templateHandlers: HandlerTable = {
  get_templates: listStored(templateKind),
  create_template: createTemplate,
  get_template: getStored(templateKind),
  update_template: updateTemplate,
  delete_template: deleteStored(templateKind),
  clone_template: cloneTemplate,
};
