import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openInvitationCsv } from './invitation-csv.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'keyshift-csv-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

const unwritable = {
  code: 'request_invalid',
  message: expect.stringContaining('EISDIR') as string,
};

describe('a file of links', () => {
  it('is refused before anybody is invited when a folder stands in its place', async () => {
    await expect(openInvitationCsv(folder)).rejects.toMatchObject(unwritable);
  });

  it('says in a line why it cannot be put in its place in the end', async () => {
    const path = join(folder, 'links.csv');
    const csv = await openInvitationCsv(path);
    await mkdir(path);
    await expect(csv.finish()).rejects.toMatchObject(unwritable);
    csv.discard();
    expect(await readdir(folder)).toEqual(['links.csv']);
  });
});
