import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { isEmailAddress } from '../model/customer.ts';
import type { MailSender } from '../migration/outreach/settings.ts';
import type { CompanySettings, Mode } from './config.ts';
import type { EnvironmentReader } from './environment-reader.ts';

const imageTypes: Readonly<Record<string, string>> = {
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
};
const largestLogoBytes = 50 * 1024;

/** Reads `COMPANY_NAME`, else the name in `MAIL_FROM`; `COMPANY_COLOR`, `COMPANY_LOGO`, `SUPPORT_CONTACT`. */
export function readCompany(
  read: EnvironmentReader,
  mode: Mode,
  sender: MailSender | undefined,
): CompanySettings {
  const named = sender && sender.name !== sender.address ? sender.name : undefined;
  return {
    name: readName(read) ?? named,
    colour: readColour(read),
    logo: readLogo(read),
    contact: readContact(read, mode),
  };
}

function readName(read: EnvironmentReader): string | undefined {
  const name = read.text('COMPANY_NAME');
  if (name === undefined || name.length <= 80) return name;
  throw read.wrong(
    'COMPANY_NAME',
    'has more than 80 characters',
    'use the name that customers know',
  );
}

function readColour(read: EnvironmentReader): string | undefined {
  const colour = read.text('COMPANY_COLOR')?.toLowerCase();
  if (colour === undefined || /^#[0-9a-f]{6}$/.test(colour)) return colour;
  throw read.wrong('COMPANY_COLOR', 'is not a colour', 'write it with six digits, as #0b5a6f');
}

function readLogo(read: EnvironmentReader): string | undefined {
  const file = read.text('COMPANY_LOGO');
  if (file === undefined) return undefined;
  const type = imageTypes[extname(file).toLowerCase()];
  if (type === undefined || file.includes('://')) {
    throw read.wrong(
      'COMPANY_LOGO',
      'is not an image file',
      'name a file that ends in .svg, .png, .jpg or .webp; pages load nothing from elsewhere',
    );
  }
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw read.wrong('COMPANY_LOGO', `cannot be read (${code ?? 'unknown'})`, 'check the path');
  }
  if (bytes.length > largestLogoBytes) {
    throw read.wrong(
      'COMPANY_LOGO',
      'is larger than 50 KB',
      'use a smaller image: it is 40 pixels high',
    );
  }
  return `data:${type};base64,${bytes.toString('base64')}`;
}

function readContact(read: EnvironmentReader, mode: Mode): string | undefined {
  const contact = read.text('SUPPORT_CONTACT');
  if (contact === undefined || isEmailAddress(contact)) return contact;
  return read.url('SUPPORT_CONTACT', mode)?.href;
}
