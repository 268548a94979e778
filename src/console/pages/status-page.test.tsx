import { describe, expect, it } from 'vitest';
import { attentionReasons, stages } from '../../model/stages.ts';
import type { ConnectionRow } from './connection-table.tsx';
import { StatusPage, type StatusPageProps } from './status-page.tsx';

const row: ConnectionRow = {
  customerId: 'cust-1',
  name: 'Harbour Bakery',
  accountId: 'Ab12Cd',
  accountName: 'Harbour Bakery Online',
  stage: 'invited',
  attentionReason: undefined,
  route: 'key',
  updatedAtMs: Date.UTC(2026, 10, 23, 8, 5),
};

const render = (changes: Partial<StatusPageProps> = {}) =>
  StatusPage({
    stylesheetHref: '/assets/0.css',
    counts: [{ stage: 'invited', count: 1 }],
    rows: [row],
    total: 1,
    csrfToken: 'token-1',
    ...changes,
  }).toString();

const textOf = (html: string) =>
  html
    .replace(/<head>.*<\/head>/s, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');

const barsOf = (html: string) =>
  Array.from(html.matchAll(/<rect width="([\d.]+)%"/g), (match) => Number(match[1]));

describe('StatusPage', () => {
  it('makes hostile names harmless in every column', () => {
    const hostile = `<script>alert(1)</script>"'\u202E`;
    const html = render({
      rows: [
        { ...row, customerId: hostile, name: hostile, accountId: hostile, accountName: hostile },
      ],
      nextHref: `/console?after="><script>`,
      csrfToken: `"><script>`,
    });
    expect(html).not.toContain('<script');
    expect(html).not.toContain('\u202E');
    expect(html.match(/&lt;script&gt;alert\(1\)/g)).toHaveLength(4);
  });

  it('says what to do while nothing is imported', () => {
    const html = render({ counts: [], rows: [], total: 0 });
    expect(textOf(html)).toContain('Start with keyshift import customers.csv');
    expect(html).not.toContain('<table');
    expect(barsOf(html)).toEqual(stages.map(() => 0));
  });

  it('does not claim that nothing is imported on a page past the end', () => {
    expect(textOf(render({ rows: [] }))).toContain('no more connections');
  });

  it('shows ids where names are not known', () => {
    const html = render({
      rows: [{ ...row, name: undefined, accountName: undefined, accountId: undefined }],
    });
    expect(textOf(html)).toMatch(/cust-1 not known yet Invited/);
    expect(html).not.toContain('undefined');
  });

  it.each(attentionReasons)('explains why a connection needs a person: %s', (attentionReason) => {
    const html = render({ rows: [{ ...row, stage: 'attention', attentionReason }] });
    expect(html).toMatch(/<span class="pill warn">[A-Z][^<]+<\/span> <span class="muted">[A-Z]/);
  });

  it('sums the entries of one stage, as the store counts them by reason and route', () => {
    const counts = [
      { stage: 'attention', count: 2 },
      { stage: 'attention', count: 3 },
      { stage: 'live', count: 10 },
      { stage: 'retired', count: 1200 },
      { stage: 'opened', count: 4 },
    ] as const;
    const html = render({ counts, total: 1219 });
    expect(textOf(html)).toContain(
      'Connections 1,219 Moved to OAuth 1,210 Waiting for the customer 4 Need attention 5',
    );
    expect(textOf(html)).toContain('1 of 1,219, by customer');
  });

  it('draws bars in proportion, with a sliver for the smallest', () => {
    const html = render({
      counts: [
        { stage: 'imported', count: 1 },
        { stage: 'invited', count: 5_000 },
        { stage: 'live', count: 10_000 },
      ],
    });
    const bars = new Map(stages.map((stage, index) => [stage, barsOf(html)[index]]));
    expect(bars.get('live')).toBe(100);
    expect(bars.get('invited')).toBe(50);
    expect(bars.get('imported')).toBe(0.5);
    expect(bars.get('checked')).toBe(0);
  });

  it('tells when a connection last changed, in UTC', () => {
    expect(render()).toContain(
      '<time datetime="2026-11-23T08:05:00.000Z">2026-11-23 08:05 UTC</time>',
    );
  });

  it('links to the next page only when there is one', () => {
    expect(render()).not.toContain('<nav');
    expect(render({ nextHref: '/console?after=cust-1' })).toContain('href="/console?after=cust-1"');
  });

  it('signs out by a posted form that carries the token', () => {
    expect(render()).toContain(
      '<form method="post" action="/console/logout"><input type="hidden" name="csrf_token" value="token-1"/>',
    );
  });
});
