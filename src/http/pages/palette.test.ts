import { describe, expect, it } from 'vitest';
import { contrast, palettes, textColourOn, type Palette } from './palette.ts';

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

it.each(['#000000', '#ffffff', '#7a1fa2', '#ffd400', '#777777', '#767676'])(
  'writes on a button of the colour %s so that it can be read',
  (colour) => {
    expect(contrast(colour, textColourOn(colour))).toBeGreaterThanOrEqual(4.5);
  },
);
