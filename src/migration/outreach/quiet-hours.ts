/** A part of the day in which nobody is reminded; `from` 20:00 `to` 8:00 is the night. */
export interface QuietHours {
  /** Minutes after midnight. */
  readonly fromMin: number;
  /** Minutes after midnight, not quiet any more. */
  readonly toMin: number;
  /** IANA name, of those whose label `time_zone` names none. */
  readonly timeZone: string;
}

const stepMs = 5 * 60_000;
const longestMs = 26 * 3_600_000;

/**
 * The next moment that is not quiet where the customer is; `atMs` itself when it is not. Summer
 * time is the zone's own.
 *
 * @example
 * ```ts
 * nextOpenMs(atNineInTheEvening, { fromMin: 20 * 60, toMin: 8 * 60, timeZone: 'Europe/Berlin' });
 * ```
 */
export function nextOpenMs(atMs: number, quiet: QuietHours, customerZone?: string): number {
  const zone =
    customerZone !== undefined && isTimeZone(customerZone) ? customerZone : quiet.timeZone;
  const minuteOf = createMinuteOf(zone);
  if (!isQuiet(minuteOf(atMs), quiet)) return atMs;
  // Zones are whole multiples of a quarter of an hour away from UTC.
  let nextMs = Math.ceil(atMs / stepMs) * stepMs;
  while (isQuiet(minuteOf(nextMs), quiet) && nextMs - atMs < longestMs) nextMs += stepMs;
  return nextMs;
}

/** Whether a text is the name of a time zone that this Node knows. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function isQuiet(minute: number, { fromMin, toMin }: QuietHours): boolean {
  return fromMin <= toMin
    ? minute >= fromMin && minute < toMin
    : minute >= fromMin || minute < toMin;
}

function createMinuteOf(timeZone: string): (atMs: number) => number {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return (atMs) => {
    const [hour = '0', minute = '0'] = format.format(atMs).split(':');
    return Number(hour) * 60 + Number(minute);
  };
}
