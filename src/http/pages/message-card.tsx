import type { Child } from 'hono/jsx';

/** How a message is meant: what went well, what needs the reader, what failed. */
export type MessageTone = 'good' | 'warn' | 'bad';

interface MessageCardProps {
  readonly tone: MessageTone;
  readonly heading: string;
  readonly children: Child;
}

/** One message that fills a page; the mark repeats in a shape what the heading says in words. */
export function MessageCard({ tone, heading, children }: MessageCardProps) {
  return (
    <div class="card message">
      <div class={`mark ${tone}`} aria-hidden="true">
        <svg viewBox="0 0 24 24" focusable="false">
          <path d={marks[tone]} />
        </svg>
      </div>
      <h1>{heading}</h1>
      {children}
    </div>
  );
}

const marks = {
  good: 'M5 12.5l4.5 4.5L19 7.5',
  warn: 'M12 5v8.5M12 18.5v.01',
  bad: 'M7 7l10 10M17 7L7 17',
} as const satisfies Record<MessageTone, string>;
