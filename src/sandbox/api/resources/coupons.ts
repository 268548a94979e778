import { z } from 'zod';
import type { ApiReply } from '../../context/api-error.ts';
import type { StoredResource } from '../../state/stored-resource.ts';
import type { ApiCall, HandlerTable } from '../api-call.ts';
import { linkedTo } from '../json-api.ts';
import { identifierReply, itemReply, present } from '../resource-kind.ts';
import {
  addStored,
  changeStored,
  collectionOf,
  createStored,
  deleteStored,
  getStored,
  listStored,
  refuseStrangers,
  refuseTaken,
  relation,
  storedInPath,
  storedOf,
  updateStored,
  type StoredKind,
} from '../stored-kind.ts';
import { change, creation, identifierOf } from './bodies.ts';
import { jobHandlers } from './catalog-jobs.ts';
import { freeObject } from './profile-attributes.ts';

type Made = StoredResource | { readonly refusal: ApiReply };

const couponKind: StoredKind = {
  type: 'coupon',
  path: 'coupons',
  attributes: (_, coupon) => coupon.attributes,
};

const codeKind: StoredKind = {
  type: 'coupon-code',
  path: 'coupon-codes',
  attributes: (_, code) => code.attributes,
  relationships: (_, { related }, self) => {
    const [id = ''] = related?.['coupon'] ?? [];
    return linkedTo(self, 'coupon', { type: 'coupon', id });
  },
  includes: {
    coupon: (call, { related }, query) =>
      storedOf(call, couponKind, related?.['coupon']).map((coupon) =>
        present(call, query, couponKind, coupon),
      ),
  },
  values: {
    'coupon.id': (_, { related }) => related?.['coupon']?.[0] ?? null,
    'profile.id': () => null,
  },
};

const couponFields = {
  description: z.string().max(2_000).nullish(),
  monitor_configuration: freeObject.nullish(),
};

const createCoupon = createStored(
  couponKind,
  creation('coupon', { external_id: z.string().min(1).max(255), ...couponFields }),
  (call, { data: { attributes } }): Made => {
    const { external_id, description = null, monitor_configuration = null } = attributes;
    // The external id is the id (Klaviyo's OpenAPI file).
    return (
      refuseTaken(call, couponKind, external_id) ??
      addStored(
        call,
        couponKind,
        { external_id, description, monitor_configuration },
        { id: external_id },
      )
    );
  },
);

const updateCoupon = updateStored(
  couponKind,
  change('coupon', couponFields),
  (call, coupon, { data }) => changeStored(call, couponKind, coupon, data.attributes),
);

const expiresAt = z.iso.datetime({ offset: true }).nullish();
const newCode = z.strictObject({
  type: z.literal('coupon-code'),
  attributes: z.strictObject({ unique_code: z.string().min(1).max(255), expires_at: expiresAt }),
  relationships: z.strictObject({ coupon: z.strictObject({ data: identifierOf('coupon') }) }),
});

function addCode(call: ApiCall, { attributes, relationships }: z.infer<typeof newCode>): Made {
  const couponId = relationships.coupon.data.id;
  const { unique_code, expires_at = null } = attributes;
  const id = `${unique_code}-${couponId}`;
  const shown = { unique_code, expires_at, status: 'UNASSIGNED' };
  return (
    refuseStrangers(call, couponKind, [couponId]) ??
    refuseTaken(call, codeKind, id) ??
    addStored(call, codeKind, shown, { id, related: { coupon: [couponId] } })
  );
}

const createCode = createStored(
  codeKind,
  z.strictObject({ data: newCode }),
  (call, { data }) => addCode(call, data),
  200,
);

const updateCode = updateStored(
  codeKind,
  change('coupon-code', {
    expires_at: expiresAt,
    status: z
      .enum([
        'ASSIGNED_TO_PROFILE',
        'DELETING',
        'PROCESSING',
        'UNASSIGNED',
        'USED',
        'VERSION_NOT_ACTIVE',
      ])
      .optional(),
  }),
  (call, code, { data }) => changeStored(call, codeKind, code, data.attributes),
);

const codesOf = (call: ApiCall, couponId: string) =>
  collectionOf(call, codeKind)
    .all()
    .filter(({ related }) => related?.['coupon']?.includes(couponId));

const codes = relation(couponKind, codeKind, (call, { id }) => codesOf(call, id), { include: [] });
const jobs = jobHandlers({ kind: codeKind, what: 'create', part: newCode, run: addCode });

/** Coupons with their codes. Nobody is ever assigned one. */
export const couponHandlers: HandlerTable = {
  get_coupons: listStored(couponKind),
  create_coupon: createCoupon,
  get_coupon: getStored(couponKind),
  update_coupon: updateCoupon,
  delete_coupon: deleteStored(couponKind, (call, { id }) => {
    for (const code of codesOf(call, id)) collectionOf(call, codeKind).remove(code.id);
    return undefined;
  }),
  get_coupon_codes_for_coupon: codes.related,
  get_coupon_code_ids_for_coupon: codes.identifiers,
  get_coupon_codes: listStored(codeKind),
  create_coupon_code: createCode,
  get_coupon_code: getStored(codeKind),
  update_coupon_code: updateCode,
  delete_coupon_code: deleteStored(codeKind),
  get_coupon_for_coupon_code: (call) => {
    const found = storedInPath(call, codeKind);
    if ('refusal' in found) return found.refusal;
    const [coupon] = storedOf(call, couponKind, found.item.related?.['coupon']);
    return coupon ? itemReply(call, couponKind, coupon) : call.errors.notFound('coupon', '');
  },
  get_coupon_id_for_coupon_code: (call) => {
    const found = storedInPath(call, codeKind);
    if ('refusal' in found) return found.refusal;
    return identifierReply(call, 'coupon', found.item.related?.['coupon']?.[0]);
  },
  bulk_create_coupon_codes: jobs.begin,
  get_bulk_create_coupon_code_jobs: jobs.list,
  get_bulk_create_coupon_codes_job: jobs.get,
};
