// Words in a text, as people look for them: without regard to case, each word anywhere. As the server does it. Pure.
const words_max = 8;
const before_letters = 40;
const excerpt_letters = 110;

export function words_of_query(query: string): string[] {
  return [...new Set(query.toLocaleLowerCase('da').split(/\s+/).filter(Boolean))].slice(0, words_max);
}

/** About 110 letters around the first of the words; null: not all are there. */
export function excerpt_with(text: string, words: readonly string[]): string | null {
  if (words.length === 0) return null;
  const low = text.toLocaleLowerCase('da');
  let first = Infinity;
  for (const word of words) {
    const at = low.indexOf(word);
    if (at < 0) return null;
    first = Math.min(first, at);
  }
  const begin = Math.max(0, first - before_letters);
  const shown = text.slice(begin, begin + excerpt_letters).replace(/\s/g, ' ');
  return `${begin > 0 ? '…' : ''}${shown}${begin + excerpt_letters < text.length ? '…' : ''}`;
}
