import { createSeededRandom, type SeededRandom } from '../../sandbox/seed/seeded-random.ts';
import type { RehearsalSettings } from './rehearsal-settings.ts';

/** How people are, by what they do with the link that they get. */
export const personas = [
  'prompt',
  'slow',
  'never',
  'mail_scanner',
  'deny',
  'wrong_account',
  'wrong_role',
  'uninstall_later',
  'key_dead',
] as const;
export type Persona = (typeof personas)[number];

/** How many of a hundred customers are of each kind. */
const shares: Readonly<Record<Persona, number>> = {
  prompt: 50,
  slow: 15,
  never: 8,
  mail_scanner: 10,
  deny: 4,
  wrong_account: 4,
  wrong_role: 4,
  uninstall_later: 3,
  key_dead: 2,
};

/** A person, drawn from the seed of the rehearsal: the same one every time. */
export interface Person {
  readonly index: number;
  readonly customerId: string;
  readonly persona: Persona;
  /** Days from the message that moves this person to its first click. */
  readonly delayDays: number;
  /** Hour of the day at which this person reads mail. */
  readonly hour: number;
  /** Reminders that this person lets pass; a slow one is moved by the one after. */
  readonly remindersIgnored: number;
  /** Whether a mistake is put right later: another account, or an administrator. */
  readonly correctsMistake: boolean;
  /** Days from being asked to deleting the private key at Klaviyo. */
  readonly deletesKeyAfterDays: number;
  /** Days from consent to the removal of the app. */
  readonly uninstallsAfterDays: number;
}

/** A message that a person got. */
export interface Mail {
  /** Of the message: the same mail that comes twice is one. */
  readonly id: string;
  readonly day: number;
  readonly kind: 'invitation' | 'reminder' | 'key instructions';
  readonly link: string;
}

/** The address by which a person signs in at Klaviyo. */
export function emailOf({ customerId }: Person): string {
  return `${customerId}@people.example`;
}

/** What a person does on one day. */
export interface PersonAction {
  readonly kind:
    'scan' | 'consent' | 'deny' | 'consent_wrongly' | 'try_without_role' | 'delete_key';
  readonly hour: number;
  readonly link: string;
}

/** The fewest customers among whom every kind of person is found. */
export const fewestCustomers = 2 * personas.length;

/** Draws everybody. */
export function createPeople({ customers, seed }: RehearsalSettings): readonly Person[] {
  const random = createSeededRandom(seed ^ 0x9e3779b9);
  const width = String(customers).length;
  const dealt = deal(customers, random);
  const counts = new Map<Persona, number>();
  return dealt.map((persona, index) => {
    const place = counts.get(persona) ?? 0;
    counts.set(persona, place + 1);
    const early = random.fraction() < 0.7;
    return {
      index,
      customerId: `customer-${String(index + 1).padStart(width, '0')}`,
      persona,
      delayDays: Math.floor(random.fraction() * (early ? 2 : 6)),
      hour: 9 + Math.floor(random.fraction() * 10),
      remindersIgnored: Math.floor(random.fraction() * 3),
      correctsMistake: place % 2 === 1,
      deletesKeyAfterDays: Math.floor(random.fraction() * 4),
      uninstallsAfterDays: 2 + Math.floor(random.fraction() * 12),
    };
  });
}

/** Two of each kind at least, the rest by their shares, in an order that the seed decides. */
function deal(customers: number, random: SeededRandom): Persona[] {
  const cards = personas.flatMap((persona) => {
    const fair = Math.floor((customers * shares[persona]) / 100);
    return Array.from({ length: Math.max(2, persona === 'prompt' ? 0 : fair) }, () => persona);
  });
  while (cards.length < customers) cards.push('prompt');
  const shuffled = cards.map((persona) => ({ persona, order: random.fraction() }));
  return shuffled.sort((a, b) => a.order - b.order).map(({ persona }) => persona);
}

/**
 * What a person does on a day, as nothing but the person, the day and the mails decide: asked
 * again after a crash, it is the same.
 */
export function actionsOn(person: Person, day: number, mails: readonly Mail[]): PersonAction[] {
  const asked = mails.find(({ kind }) => kind === 'key instructions');
  return asked && asked.day + person.deletesKeyAfterDays === day
    ? [{ kind: 'delete_key', hour: person.hour, link: asked.link }]
    : clicksOn(person, day, mails);
}

function clicksOn(person: Person, day: number, mails: readonly Mail[]): PersonAction[] {
  const first = mails.find(({ kind }) => kind === 'invitation');
  if (!first) return [];
  const { hour, delayDays, persona } = person;
  const at = (actDay: number, kind: PersonAction['kind'], mail: Mail = first): PersonAction[] =>
    actDay === day ? [{ kind, hour, link: mail.link }] : [];
  const clickDay = first.day + delayDays;
  switch (persona) {
    case 'prompt':
    case 'uninstall_later':
      return at(clickDay, 'consent');
    case 'mail_scanner':
      return [
        ...(first.day === day ? [{ kind: 'scan' as const, hour: 9, link: first.link }] : []),
        ...at(first.day + Math.max(1, delayDays), 'consent'),
      ];
    case 'slow': {
      const reminder = mails.filter(({ kind }) => kind === 'reminder')[person.remindersIgnored];
      return reminder ? at(reminder.day + delayDays, 'consent', reminder) : [];
    }
    case 'deny':
      return at(clickDay, 'deny');
    case 'wrong_account':
      return [
        ...at(clickDay, 'consent_wrongly'),
        ...(person.correctsMistake ? at(clickDay + 2, 'consent') : []),
      ];
    case 'wrong_role':
      return [
        ...at(clickDay, 'try_without_role'),
        ...(person.correctsMistake ? at(clickDay + 3, 'consent') : []),
      ];
    case 'never':
    case 'key_dead':
      return [];
    default:
      return persona satisfies never;
  }
}
