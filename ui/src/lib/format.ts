// Times and numbers as their readers write them.
export type Language = 'da' | 'en';

const locale = { da: 'da-DK', en: 'en-GB' } as const;

export function number(value: number, language: Language): string {
  return new Intl.NumberFormat(locale[language]).format(value);
}

export function clock_time(iso: string, language: Language): string {
  return new Intl.DateTimeFormat(locale[language], { hour: '2-digit', minute: '2-digit' }).format(new Date(iso));
}

export function full_time(iso: string, language: Language): string {
  return new Intl.DateTimeFormat(locale[language], { dateStyle: 'long', timeStyle: 'short' }).format(new Date(iso));
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

export function title_from(question: string): string {
  const line = question.trim().split('\n')[0]?.trim() ?? '';
  if (line.length <= 60) return line;
  const cut = line.slice(0, 60);
  const space = cut.lastIndexOf(' ');
  return `${cut.slice(0, space > 30 ? space : 60).trimEnd()}…`;
}
