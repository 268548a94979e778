/** What people write where a secret should be, and mean to replace. */
const placeholders =
  /change.?(me|this|it)|replace|placeholder|example|dummy|^<.*>$|^\$\(|^`|^(your|my|the|some)([-_ ][a-z]+)+$/i;

const commonWords =
  /passwor[dt]|passphrase|secret|session|admin(istrator)?|token|service|keyshift|klaviyo|flask|letmein|welcome|qwerty(uiop)?|asdf(gh)?|login|master|default|test|root|user|dev(elopment)?|prod(uction)?|key|api/gi;

/** Whether a value was never meant to be used as it is. */
export function isPlaceholder(value: string): boolean {
  return placeholders.test(value);
}

/** What makes a secret easy to guess, in words that do not repeat it. */
export function findWeakness(value: string): string | undefined {
  if (isPlaceholder(value)) return 'is a placeholder';
  const rest = value.replaceAll(commonWords, '');
  if (rest.length < value.length && rest.replaceAll(/[\W_]/g, '').length < 6) {
    return 'consists of common words';
  }
  return findPattern(
    Array.from(value, (char) => char.codePointAt(0) ?? 0),
    6,
  );
}

/** What makes a key of the vault no random one. */
export function findWeaknessOfKey(bytes: Uint8Array): string | undefined {
  if (bytes.every((byte) => byte >= 0x20 && byte < 0x7f)) return 'is text, not random bytes';
  return findPattern([...bytes], 12);
}

function findPattern(units: readonly number[], fewest: number): string | undefined {
  if (new Set(units).size < fewest) return 'has hardly any different characters';
  const shortest = units.findIndex(
    (_, length) => length > 0 && units.every((unit, at) => unit === units[at % length]),
  );
  if (shortest > 0 && shortest <= units.length / 2 && shortest < 16) return 'repeats itself';
  const steps = units.slice(1).filter((unit, at) => Math.abs(unit - (units[at] ?? 0)) <= 1);
  return steps.length > units.length * 0.6 ? 'is a sequence' : undefined;
}
