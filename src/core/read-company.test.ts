import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEnvironmentReader, type Environment } from './environment-reader.ts';
import { readCompany } from './read-company.ts';

const sender = { name: 'Acme Apps', address: 'hello@acme.example' };
const read = (environment: Environment, from = sender) =>
  readCompany(createEnvironmentReader(environment), 'production', from);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'company-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('who the pages are from', () => {
  it.each([
    [{ COMPANY_COLOR: 'red' }, 'COMPANY_COLOR is not a colour.'],
    [{ COMPANY_COLOR: '#fff;}body{x:y' }, 'COMPANY_COLOR is not a colour.'],
    [{ COMPANY_LOGO: 'https://cdn.example/logo.png' }, 'COMPANY_LOGO is not an image file.'],
    [{ COMPANY_LOGO: 'nowhere.png' }, 'COMPANY_LOGO cannot be read (ENOENT).'],
    [{ COMPANY_NAME: 'x'.repeat(81) }, 'COMPANY_NAME has more than 80 characters.'],
    [{ SUPPORT_CONTACT: 'javascript:alert(1)' }, 'SUPPORT_CONTACT'],
  ])('refuses %j', (environment, message) => {
    expect(() => read(environment)).toThrow(message);
  });

  it('refuses a logo that would make every page heavy', async () => {
    const file = join(folder, 'logo.png');
    await writeFile(file, Buffer.alloc(60_000));
    expect(() => read({ COMPANY_LOGO: file })).toThrow('COMPANY_LOGO is larger than 50 KB.');
  });

  it('is the name of the mail’s sender where no other is set, and no bare address', () => {
    expect(read({}).name).toBe('Acme Apps');
    expect(read({ COMPANY_NAME: 'Acme' }).name).toBe('Acme');
    expect(read({}, { ...sender, name: sender.address }).name).toBeUndefined();
  });

  it('reads colour, logo and contact', async () => {
    const file = join(folder, 'logo.svg');
    await writeFile(file, '<svg/>');
    const environment = { COMPANY_COLOR: '#7A1FA2', COMPANY_LOGO: file };
    expect(read({ ...environment, SUPPORT_CONTACT: 'help@acme.example' })).toMatchObject({
      colour: '#7a1fa2',
      logo: 'data:image/svg+xml;base64,PHN2Zy8+',
      contact: 'help@acme.example',
    });
    expect(read({ SUPPORT_CONTACT: 'https://acme.example/help' }).contact).toBe(
      'https://acme.example/help',
    );
  });
});
