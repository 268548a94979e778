import { z } from 'zod';
import { isJsonObject, type JsonObject } from '../../state/json.ts';
import type { StoredResource } from '../../state/stored-resource.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { relationTo } from '../relation.ts';
import {
  addStored,
  collectionOf,
  createStored,
  deleteStored,
  getStored,
  listStored,
  relation,
  relationToOne,
  storedOf,
  withTimesAt,
  type StoredKind,
} from '../stored-kind.ts';
import { creation, nameText } from './bodies.ts';

/** How forms are shown: with their definition only where one was just written. */
const formKind: StoredKind = {
  type: 'form',
  path: 'forms',
  attributes({ operation }, form) {
    const { definition, ...shown } = withTimesAt(form);
    return operation.id === 'create_form' && definition !== undefined
      ? { ...shown, definition }
      : shown;
  },
};

const versionKind: StoredKind = {
  type: 'form-version',
  path: 'form-versions',
  attributes: (_, version) => withTimesAt(version),
  relations: { form: relationTo(() => formKind, formOf, { one: true }) },
};

function formOf(call: ApiCall, { related }: StoredResource): StoredResource[] {
  return storedOf(call, formKind, related?.['form']);
}

function versionsOf(call: ApiCall, { related }: StoredResource): StoredResource[] {
  return storedOf(call, versionKind, related?.['form-versions']);
}

const version = z.looseObject({ steps: z.array(z.unknown()) });

const createForm = createStored(
  formKind,
  creation('form', {
    name: nameText,
    status: z.literal('draft'),
    ab_test: z.boolean(),
    definition: z.looseObject({ versions: z.array(version).min(1) }),
  }),
  (call, { data: { attributes } }) => {
    const { versions } = attributes.definition;
    const short = versions.findIndex(({ steps }) => steps.length < 2);
    if (short >= 0) {
      const pointer = `/data/attributes/definition/versions/${short}`;
      return { refusal: call.errors.invalid('Versions must have at least two steps', { pointer }) };
    }
    const form = addStored(call, formKind, attributes as JsonObject);
    const ids = versions.map((one) => addVersion(call, form.id, one as JsonObject).id);
    const made = { ...form, related: { 'form-versions': ids } };
    collectionOf(call, formKind).replace(made);
    return made;
  },
);

/** Form versions have numbers for ids (documented). */
function addVersion(call: ApiCall, formId: string, sent: JsonObject): StoredResource {
  const last = Number(collectionOf(call, versionKind).all().at(-1)?.id ?? 1_000_000);
  const type = sent['type'] ?? 'popup';
  const attributes = {
    form_type: type === 'full_screen' ? 'full_page' : type,
    variation_name: sent['name'] ?? '',
    ab_test: isJsonObject(sent['ab_test']) ? sent['ab_test'] : null,
    status: sent['status'] ?? 'draft',
  };
  return addStored(call, versionKind, attributes, {
    id: String(last + 1),
    related: { form: [formId] },
  });
}

const versions = relation(formKind, versionKind, versionsOf);
const form = relationToOne(versionKind, formKind, formOf);

/** Klaviyo answers 500 to `any` on the type of a version (recorded), and so does the sandbox. */
function failingOnAny(handler: ApiHandler): ApiHandler {
  return (call) => {
    const detail = 'A server error occurred.';
    return /\bany\(\s*form_type\b/.test(call.query.get('filter') ?? '')
      ? call.errors.error({ status: 500, code: 'error', title: detail, detail })
      : handler(call);
  };
}

/** Forms with their versions. Nobody ever sees one. */
export const formHandlers: HandlerTable = {
  get_forms: listStored(formKind),
  create_form: createForm,
  get_form: getStored(formKind),
  delete_form: deleteStored(formKind, (call, { related }) => {
    for (const id of related?.['form-versions'] ?? []) collectionOf(call, versionKind).remove(id);
    return undefined;
  }),
  get_versions_for_form: failingOnAny(versions.related),
  get_version_ids_for_form: failingOnAny(versions.identifiers),
  get_form_version: getStored(versionKind),
  get_form_for_form_version: form.related,
  get_form_id_for_form_version: form.identifiers,
};
