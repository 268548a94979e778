import { createCipheriv, createDecipheriv } from 'node:crypto';
import { toUSVString } from 'node:util';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Random } from '../runtime/random.ts';
import type { Keyring } from './keyring.ts';
import type { SealContext, Vault } from './vault.ts';

const algorithm = 'aes-256-gcm';
const version = 'v1';
const nonceBytes = 12;
const noncesPerBatch = 128;
const tagBytes = 16;

/**
 * Creates the vault over a keyring: AES-256-GCM with a random nonce for every value, the value's
 * place as associated data. 2³² values may be sealed under one key before its nonces may repeat;
 * rotate well before.
 *
 * @example
 * ```ts
 * const vault = createVault(parseKeyring(keys), systemRandom);
 * const context = { table: 'grants', rowId: grant.id, column: 'access_token' };
 * vault.open(vault.seal('eyJ…', context), context); // "eyJ…"
 * ```
 */
export function createVault(keyring: Keyring, random: Random): Vault {
  const primaryKeyId = keyring.primary.id;
  const primaryPrefix = `${version}.${primaryKeyId}.`;
  const nextNonce = createNonceSource(random);
  return {
    primaryKeyId,
    seal(plaintext, context) {
      // UTF-8 would turn a lone surrogate into U+FFFD, and the secret would come back changed.
      if (toUSVString(plaintext) !== plaintext) {
        throw new KeyshiftError(
          'request_invalid',
          `The value for ${place(context)} is not well-formed Unicode and cannot be sealed.`,
        );
      }
      const nonce = nextNonce();
      const cipher = createCipheriv(algorithm, keyring.primary.reveal(), nonce);
      cipher.setAAD(associatedData(primaryKeyId, context));
      const ciphertext = cipher.update(plaintext, 'utf8');
      cipher.final(); // GCM is a stream mode: no bytes are left, but the tag needs it.
      const body = Buffer.concat([ciphertext, cipher.getAuthTag()]);
      return `${primaryPrefix}${nonce.toString('base64url')}.${body.toString('base64url')}`;
    },
    open(sealed, context) {
      const { keyId, nonce, body } = parseBlob(sealed, context);
      const key = keyring.find(keyId);
      if (!key) {
        throw new KeyshiftError(
          'keyring_mismatch',
          `${place(context)} is sealed under the key "${keyId}", which is not in KEYSHIFT_KEYS.`,
        );
      }
      const decipher = createDecipheriv(algorithm, key.reveal(), nonce, {
        authTagLength: tagBytes,
      });
      decipher.setAAD(associatedData(keyId, context));
      decipher.setAuthTag(body.subarray(body.length - tagBytes));
      const plaintext = decipher.update(body.subarray(0, body.length - tagBytes));
      try {
        decipher.final();
      } catch (cause) {
        throw sealInvalid(context, 'was altered, moved, or sealed under another key', cause);
      }
      return plaintext.toString('utf8');
    },
  };
}

/** Draws nonces in batches: one call to the operating system costs as much as half a seal. */
function createNonceSource(random: Random): () => Buffer {
  let batch: Buffer = Buffer.alloc(0);
  let offset = 0;
  return () => {
    if (offset >= batch.length) {
      batch = random.bytes(nonceBytes * noncesPerBatch);
      offset = 0;
    }
    offset += nonceBytes;
    return batch.subarray(offset - nonceBytes, offset);
  };
}

function parseBlob(sealed: string, context: SealContext) {
  const [prefix, keyId, encodedNonce, encodedBody, ...rest] = sealed.split('.');
  if (prefix !== version || !keyId || !encodedNonce || !encodedBody || rest.length > 0) {
    throw sealInvalid(context, 'is not a sealed value');
  }
  const nonce = decode(encodedNonce);
  const body = decode(encodedBody);
  if (nonce?.length !== nonceBytes || !body || body.length < tagBytes) {
    throw sealInvalid(context, 'is damaged');
  }
  return { keyId, nonce, body };
}

/** Decodes canonical base64url only, so that no second spelling of a value opens. */
function decode(encoded: string): Buffer | undefined {
  const bytes = Buffer.from(encoded, 'base64url');
  return bytes.toString('base64url') === encoded ? bytes : undefined;
}

function associatedData(keyId: string, { table, rowId, column }: SealContext): Buffer {
  return Buffer.from(JSON.stringify([version, keyId, table, rowId, column]), 'utf8');
}

function place({ table, rowId, column }: SealContext): string {
  return `${table}.${column} of row ${JSON.stringify(rowId)}`;
}

function sealInvalid(
  context: SealContext,
  what: string,
  cause?: unknown,
): KeyshiftError<'seal_invalid'> {
  return new KeyshiftError('seal_invalid', `${place(context)} ${what}.`, { cause });
}
