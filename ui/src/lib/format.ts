// Times and numbers as their readers write them.
export type Language = 'da' | 'en';

export const locale = { da: 'da-DK', en: 'en-GB' } as const;

export function number(value: number, language: Language): string {
  return new Intl.NumberFormat(locale[language]).format(value);
}

export function clock_time(iso: string, language: Language): string {
  return new Intl.DateTimeFormat(locale[language], { hour: '2-digit', minute: '2-digit' }).format(new Date(iso));
}

export function full_time(iso: string, language: Language): string {
  return new Intl.DateTimeFormat(locale[language], { dateStyle: 'long', timeStyle: 'short' }).format(new Date(iso));
}

export function date(iso: string, language: Language): string {
  return new Intl.DateTimeFormat(locale[language], { day: 'numeric', month: 'long', year: 'numeric' }).format(new Date(iso));
}

const title_letters_max = 48; // with the widest letters still within the server's 200 bytes

/** Cut between words where it can be, and never inside a letter. */
export function title_from(question: string): string {
  const line = question.trim().split('\n')[0]?.trim() ?? '';
  const letters = Array.from(line);
  if (letters.length <= title_letters_max) return line;
  const cut = letters.slice(0, title_letters_max).join('');
  const space = cut.lastIndexOf(' ');
  return `${(space > title_letters_max / 2 ? cut.slice(0, space) : cut).trimEnd()}…`;
}

/**
 * "30,5 GB", "400 MB", in steps of a thousand, as disks are sold; the server's own texts say it so too
 * (src/base/byte_text.hpp): from 1 GB on with a decimal where there is one, below in whole MB, kB or B.
 * What something needs is rounded up, and what there is for it down: the two never read the same where it does not fit.
 */
export function bytes_text(bytes: number, language: Language, rounded: 'near' | 'up' | 'down' = 'near'): string {
  const round = { near: Math.round, up: Math.ceil, down: Math.floor }[rounded];
  const units = [['B', 1, 1], ['kB', 1e3, 1e3], ['MB', 1e6, 1e6], ['GB', 1e9, 1e8], ['TB', 1e12, 1e11]] as const;
  const of = (step: number) => round(bytes / step) * step;
  const [name, unit, step] = units.find(([, , step], at) => of(step) < (units[at + 1]?.[1] ?? Infinity)) ?? units[4];
  return `${new Intl.NumberFormat(locale[language], { maximumFractionDigits: 1 }).format(of(step) / unit)} ${name}`;
}

/** "62 %", "140 %", "0,4 %": a part, as people say it. */
export function percent_text(part: number, language: Language): string {
  const digits = part > 0 && part < 0.0095 ? 1 : 0;
  return new Intl.NumberFormat(locale[language], { style: 'percent', maximumFractionDigits: digits }).format(part);
}

/** "45 s", "2 min": the longest that something takes, rounded up, since it must hold. */
export function bound_text(seconds: number): string {
  const read_in_seconds_max = 90;
  return seconds <= read_in_seconds_max ? `${Math.max(1, Math.ceil(seconds / 5)) * 5} s` : `${Math.ceil(seconds / 60)} min`;
}
