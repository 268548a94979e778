import { describe, expect, it } from 'vitest';
import { actionsOn, createPeople, fewestCustomers, personas, type Mail } from './people.ts';
import { defaultSettings, waveOf } from './rehearsal-settings.ts';

const settings = { ...defaultSettings, customers: 200 };
const link = 'https://a.example/connect/x';
const invitation: Mail = { id: 'm0', day: 3, kind: 'invitation', link };

/** Everything that one person ever does with these mails. */
const lifeOf = (person: ReturnType<typeof createPeople>[number], mails: readonly Mail[]) =>
  Array.from({ length: 60 }, (_, day) =>
    actionsOn(person, day, mails).map(({ kind }) => `${day} ${kind}`),
  ).flat();

describe('the people of a rehearsal', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(createPeople(settings)).toEqual(createPeople(settings));
    expect(createPeople({ ...settings, seed: 8 })).not.toEqual(createPeople(settings));
  });

  it('have somebody of every kind, also where they are few', () => {
    for (const customers of [fewestCustomers, 200]) {
      const people = createPeople({ ...settings, customers });
      expect(people).toHaveLength(customers);
      expect(new Set(people.map(({ persona }) => persona))).toEqual(new Set(personas));
    }
  });

  it('do nothing without a mail', () => {
    for (const person of createPeople(settings)) expect(lifeOf(person, [])).toEqual([]);
  });

  it('are moved by the invitation, or, when slow, by a reminder alone', () => {
    const people = createPeople(settings);
    const of = (persona: string) => people.find((person) => person.persona === persona)!;
    expect(lifeOf(of('prompt'), [invitation])).toEqual([expect.stringMatching(/ consent$/)]);
    expect(lifeOf(of('slow'), [invitation])).toEqual([]);
    const reminders = [1, 2, 3].map((n): Mail => ({
      id: `m${n}`,
      day: 5 * n,
      kind: 'reminder',
      link,
    }));
    expect(lifeOf(of('slow'), [invitation, ...reminders])).toEqual([
      expect.stringMatching(/ consent$/),
    ]);
    expect(lifeOf(of('never'), [invitation, ...reminders])).toEqual([]);
    expect(lifeOf(of('mail_scanner'), [invitation])).toEqual([
      '3 scan',
      expect.stringMatching(/ consent$/),
    ]);
  });

  it('put half of the mistakes right', () => {
    const people = createPeople(settings).filter(({ persona }) => persona === 'wrong_account');
    const lives = people.map((person) => lifeOf(person, [invitation]).length);
    expect(lives.filter((actions) => actions === 1).length).toBeGreaterThan(0);
    expect(lives.filter((actions) => actions === 2).length).toBeGreaterThan(0);
  });
});

it('puts every customer into one wave, by the shares', () => {
  const sizes = [0, 0, 0];
  for (let index = 0; index < 200; index += 1) sizes[waveOf(settings, index)]! += 1;
  expect(sizes).toEqual([20, 60, 120]);
});
