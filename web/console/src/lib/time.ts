// Time as people read it: local, with its zone, seconds on evidence, and how long ago.

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Milliseconds since the epoch, or NaN for an absent or zero Go time. */
export function parse(at: string | undefined): number {
  if (!at || at.startsWith("0001-01-01")) return Number.NaN;
  return Date.parse(at);
}

const two = (n: number) => String(Math.trunc(n)).padStart(2, "0");

/** 23:41:07 */
export function clock(ms: number): string {
  if (Number.isNaN(ms)) return "–";
  const d = new Date(ms);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** 23:41:07.3, for evidence */
export function clockTenths(ms: number): string {
  if (Number.isNaN(ms)) return "–";
  return `${clock(ms)}.${Math.floor((((ms % second) + second) % second) / 100)}`;
}

/** 23:41 */
export function hourMinute(ms: number): string {
  return Number.isNaN(ms) ? "–" : clock(ms).slice(0, 5);
}

const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Sun 22 Nov 2026: a month in letters cannot be read the wrong way round. */
export function date(ms: number): string {
  if (Number.isNaN(ms)) return "–";
  const d = new Date(ms);
  return `${weekdays[d.getDay()]} ${d.getDate()} ${months[d.getMonth()]} ${d.getFullYear()}`;
}

/** The zone as an offset, UTC+01:00: names such as CST mean several zones. */
export function zone(ms: number): string {
  const east = -new Date(Number.isNaN(ms) ? 0 : ms).getTimezoneOffset();
  if (east === 0) return "UTC";
  const abs = Math.abs(east);
  return `UTC${east < 0 ? "−" : "+"}${two(abs / 60)}:${two(abs % 60)}`;
}

export function sameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}

/** 23:41:07 today, 22 Nov 23:41:07 on another day of this year, with the year otherwise. */
export function moment(ms: number, now: number): string {
  if (Number.isNaN(ms)) return "–";
  if (sameDay(ms, now)) return clock(ms);
  const d = new Date(ms);
  const year = d.getFullYear() === new Date(now).getFullYear() ? "" : ` ${d.getFullYear()}`;
  return `${d.getDate()} ${months[d.getMonth()]}${year} ${clock(ms)}`;
}

/**
 * A counting age: 0:07, 12:31, 3:04:05, then 2 d 04 h. Fixed shape, so that a column of
 * them does not jump.
 */
export function counting(ms: number): string {
  if (Number.isNaN(ms)) return "–";
  const t = Math.max(0, ms);
  if (t >= 2 * day) return `${Math.floor(t / day)} d ${two((t % day) / hour)} h`;
  const s = two((t % minute) / second);
  if (t >= hour) return `${Math.floor(t / hour)}:${two((t % hour) / minute)}:${s}`;
  return `${Math.floor(t / minute)}:${s}`;
}

/** just now, 12 s ago, 4 min ago, 3 h ago, 2 days ago */
export function ago(ms: number): string {
  if (Number.isNaN(ms)) return "–";
  if (ms < -5 * second) return `in ${rough(-ms)}`;
  if (ms < 5 * second) return "just now";
  return `${rough(ms)} ago`;
}

/** 12 s, 4 min, 3 h, 2 days */
export function rough(ms: number): string {
  if (ms < minute) return `${Math.floor(ms / second)} s`;
  if (ms < hour) return `${Math.floor(ms / minute)} min`;
  if (ms < 2 * day) return `${Math.floor(ms / hour)} h`;
  return `${Math.floor(ms / day)} days`;
}

/** A measured length: 0.4 s, 31.2 s, 4 min 05 s, 3 h 04 min. */
export function length(ms: number): string {
  if (Number.isNaN(ms)) return "–";
  const t = Math.max(0, ms);
  if (t < 99_950) return `${(t / second).toFixed(1)} s`;
  const s = Math.round(t / second);
  if (s < 3600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
  const m = Math.round(s / 60);
  return `${Math.floor(m / 60)} h ${two(m % 60)} min`;
}

/** A length that somebody set: 10 s, 2 min, 1 min 30 s, 1 h, 1 h 30 min. */
export function setting(ms: number): string {
  if (ms >= hour) {
    const m = Math.round((ms % hour) / minute);
    return m ? `${Math.floor(ms / hour)} h ${m} min` : `${Math.floor(ms / hour)} h`;
  }
  if (ms < minute) return `${Number((ms / second).toFixed(1))} s`;
  const rest = Math.round((ms % minute) / second);
  return rest ? `${Math.floor(ms / minute)} min ${rest} s` : `${Math.floor(ms / minute)} min`;
}

export const fromNanos = (ns: number) => ns / 1e6;

/** Clock offset with its sign: +0.24 s, −3.10 s */
export function offset(ns: number): string {
  const s = ns / 1e9;
  if (Math.abs(s) < 0.005) return "0.00 s";
  return `${s < 0 ? "−" : "+"}${Math.abs(s).toFixed(2)} s`;
}
