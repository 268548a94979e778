/** The colours of the pages, by role; WCAG AA on every pair that meets, in both schemes. */
export interface Palette {
  readonly page: string;
  readonly surface: string;
  readonly sunken: string;
  readonly text: string;
  readonly muted: string;
  /** Decorative lines. */
  readonly line: string;
  /** Edges of fields and buttons: 3:1 against what lies around. */
  readonly edge: string;
  readonly accent: string;
  readonly accentStrong: string;
  readonly onAccent: string;
  readonly good: string;
  readonly goodSurface: string;
  readonly warn: string;
  readonly warnSurface: string;
  readonly bad: string;
  readonly badSurface: string;
}

/** Both colour schemes; the browser picks by `prefers-color-scheme`. */
export const palettes: { readonly light: Palette; readonly dark: Palette } = {
  light: {
    page: '#f5f6f7',
    surface: '#ffffff',
    sunken: '#eef1f3',
    text: '#1b2429',
    muted: '#536069',
    line: '#dbe1e5',
    edge: '#788690',
    accent: '#0b5a6f',
    accentStrong: '#084454',
    onAccent: '#ffffff',
    good: '#1c643c',
    goodSurface: '#e5f3ea',
    warn: '#7a4a00',
    warnSurface: '#fdf1db',
    bad: '#9b2222',
    badSurface: '#fbeaea',
  },
  dark: {
    page: '#12171a',
    surface: '#1a2125',
    sunken: '#232c31',
    text: '#e7ecef',
    muted: '#a5b2ba',
    line: '#323d43',
    edge: '#74838c',
    accent: '#72c6d8',
    accentStrong: '#9fdbe7',
    onAccent: '#08242c',
    good: '#7fd0a0',
    goodSurface: '#183124',
    warn: '#efbd6b',
    warnSurface: '#362a14',
    bad: '#f29a9a',
    badSurface: '#3b2022',
  },
};

/** Contrast ratio of two colours as WCAG 2.2 defines it, 1 to 21. */
export function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

/** White or black, whichever is easier to read on a colour: 4.5:1 at least on any. */
export function textColourOn(colour: string): string {
  return contrast(colour, '#ffffff') >= 4.5 ? '#ffffff' : '#000000';
}

function luminance(colour: string): number {
  const parts = /^#(..)(..)(..)$/.exec(colour)?.slice(1) ?? [];
  const [red = NaN, green = NaN, blue = NaN] = parts.map((part) => {
    const value = Number.parseInt(part, 16) / 255;
    return value <= 0.040_45 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
