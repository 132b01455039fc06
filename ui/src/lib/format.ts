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

export type Age = 'today' | 'yesterday' | 'week' | 'older';

/** By calendar days where the reader is, not by 24 hours. */
export function age_of(iso: string, now: Date): Age {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const days = (midnight.getTime() - new Date(iso).getTime()) / 86_400_000;
  if (days <= 0) return 'today';
  if (days <= 1) return 'yesterday';
  return days <= 6 ? 'week' : 'older';
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

/** "4,1 GB": in steps of a thousand, as disks are sold. */
export function bytes_text(bytes: number, language: Language): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let at = 0;
  let value = bytes;
  for (; value >= 1000 && at < units.length - 1; at++) value /= 1000;
  return `${new Intl.NumberFormat(locale[language], { maximumFractionDigits: value < 10 && at > 0 ? 1 : 0 }).format(value)} ${units[at]}`;
}

/** "62 %", "140 %", "0,4 %": a part, as people say it. */
export function percent_text(part: number, language: Language): string {
  const digits = part > 0 && part < 0.0095 ? 1 : 0;
  return new Intl.NumberFormat(locale[language], { style: 'percent', maximumFractionDigits: digits }).format(part);
}
