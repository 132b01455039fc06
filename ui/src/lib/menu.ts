// Which entries of a menu stand in a bar, and which behind its last button. Pure.

/**
 * The entries that are shown, by number and in order. All where there is room for all; else the first that fit beside
 * the button, and always the current one: who looks at the bar sees where they are. All measures in px.
 */
export function shown_of(widths: readonly number[], room: number, { gap, button, current }: { gap: number; button: number; current: number }): number[] {
  const all = widths.map((_, at) => at);
  const length = (some: readonly number[]) => some.reduce((sum, at) => sum + (widths[at] ?? 0) + gap, 0);
  if (length(all) - gap <= room) return all;
  let shown = all.filter((at) => at === current);
  for (const at of all) {
    if (at === current) continue;
    const more = [...shown, at];
    if (length(more) + button > room) break;
    shown = more;
  }
  return shown.sort((a, b) => a - b);
}
