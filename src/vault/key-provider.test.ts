import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../runtime/random.ts';
import { createVault } from './create-vault.ts';
import { generateWrappedKeyringEntry, loadKeyring, type KeyProvider } from './key-provider.ts';
import { generateKeyringEntry, parseKeyring } from './keyring.ts';

/** A KMS in memory: wraps under a master key that never leaves it. */
function createFakeKms(): KeyProvider & { readonly calls: string[] } {
  const masterKey = randomBytes(32);
  const calls: string[] = [];
  return {
    calls,
    async wrap(key) {
      calls.push('wrap');
      await Promise.resolve();
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', masterKey, nonce);
      return Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()]);
    },
    async unwrap(wrapped) {
      calls.push('unwrap');
      await Promise.resolve();
      const blob = Buffer.from(wrapped);
      const decipher = createDecipheriv('aes-256-gcm', masterKey, blob.subarray(0, 12));
      decipher.setAuthTag(blob.subarray(-16));
      return Buffer.concat([decipher.update(blob.subarray(12, -16)), decipher.final()]);
    },
  };
}

const context = { table: 't', rowId: 'r', column: 'c' };

describe('loadKeyring', () => {
  it('names the entry that the provider cannot unwrap, and keeps the cause', async () => {
    const kms = createFakeKms();
    const good = await generateWrappedKeyringEntry(systemRandom, kms);
    const foreign = await generateWrappedKeyringEntry(systemRandom, createFakeKms());
    await expect(loadKeyring(`${good},${foreign}`, kms)).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('entry 2 could not be unwrapped') as string,
      cause: expect.any(Error) as Error,
    });
  });

  it('refuses a provider that answers anything but 32 bytes', async () => {
    const provider: KeyProvider = {
      wrap: (key) => Promise.resolve(key),
      unwrap: () => Promise.resolve(new Uint8Array(31)),
    };
    await expect(loadKeyring(generateKeyringEntry(systemRandom), provider)).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('31 bytes') as string,
    });
  });

  it('refuses an unreadable text before it asks the provider', async () => {
    const kms = createFakeKms();
    await expect(loadKeyring('no colon', kms)).rejects.toMatchObject({ code: 'config_invalid' });
    expect(kms.calls).toEqual([]);
  });

  it('seals under a key that only the provider can unwrap', async () => {
    const kms = createFakeKms();
    const entry = await generateWrappedKeyringEntry(systemRandom, kms);
    expect(() => parseKeyring(entry)).toThrow(/bytes long, not 32/);

    const sealed = createVault(await loadKeyring(entry, kms), systemRandom).seal('s', context);
    const restarted = createVault(await loadKeyring(entry, kms), systemRandom);
    expect(restarted.open(sealed, context)).toBe('s');
    expect(kms.calls).toEqual(['wrap', 'unwrap', 'unwrap']);
  });

  it('takes the keys as they stand without a provider', async () => {
    const entry = generateKeyringEntry(systemRandom);
    const sealed = createVault(parseKeyring(entry), systemRandom).seal('s', context);
    const vault = createVault(await loadKeyring(entry), systemRandom);
    expect(vault.open(sealed, context)).toBe('s');
  });
});
