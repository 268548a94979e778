import { describe, expect, it } from 'vitest';
import { findNameDrift } from './lint-names.ts';

describe('names that differ only in case or spacing', () => {
  it.each([
    [['Placed Order', 'placed order'], 'case'],
    [['Placed Order', 'Placed  Order', 'PlacedOrder', 'Placed_Order'], 'spacing'],
    [['Placed Order', ' placed-order\u00a0'], 'case and spacing'],
  ] as const)('%j are one metric to a person', (names, difference) => {
    expect(findNameDrift([...names, 'Viewed Product', 'Viewed Product'])).toEqual([
      { names: names.toSorted(), difference },
    ]);
  });

  it('are not names that differ in a letter', () => {
    expect(findNameDrift(['Placed Order', 'Placed Orders', 'Ordered'])).toEqual([]);
  });
});
