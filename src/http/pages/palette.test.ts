import { describe, expect, it } from 'vitest';
import { palettes, type Palette } from './palette.ts';

type Pair = readonly [front: keyof Palette, back: keyof Palette];

const textPairs: readonly Pair[] = [
  ['text', 'page'],
  ['text', 'surface'],
  ['text', 'sunken'],
  ['muted', 'page'],
  ['muted', 'surface'],
  ['accent', 'page'],
  ['accent', 'surface'],
  ['accentStrong', 'page'],
  ['accentStrong', 'surface'],
  ['onAccent', 'accent'],
  ['onAccent', 'accentStrong'],
  ['good', 'goodSurface'],
  ['warn', 'warnSurface'],
  ['bad', 'badSurface'],
];

const shapePairs: readonly Pair[] = [
  ['edge', 'page'],
  ['edge', 'surface'],
  ['bad', 'surface'],
  ['accent', 'sunken'],
  ['warn', 'sunken'],
];

/** Contrast ratio as WCAG 2.2 defines it. */
function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

function luminance(colour: string): number {
  const parts = /^#(..)(..)(..)$/.exec(colour)?.slice(1) ?? [];
  const [red = NaN, green = NaN, blue = NaN] = parts.map((part) => {
    const value = Number.parseInt(part, 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

describe.each(['light', 'dark'] as const)('the %s palette', (scheme) => {
  const palette = palettes[scheme];

  it.each(textPairs)('reads %s on %s with at least 4.5:1', (front, back) => {
    expect(contrast(palette[front], palette[back])).toBeGreaterThanOrEqual(4.5);
  });

  it.each(shapePairs)('shows %s on %s with at least 3:1', (front, back) => {
    expect(contrast(palette[front], palette[back])).toBeGreaterThanOrEqual(3);
  });
});

describe('contrast', () => {
  it('agrees with the ends of the scale', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
  });
});
