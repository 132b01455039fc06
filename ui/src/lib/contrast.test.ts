import { describe, expect, it } from 'vitest';
import css from '../app.css?raw';

const marks_min = 3; // WCAG 1.4.11
const text_min = 4.5; // WCAG 1.4.3

/** The colours that a rule of app.css sets. */
function colours_of(selector: string): Record<string, string> {
  const begins = css.indexOf(`${selector} {`);
  const block = css.slice(begins, css.indexOf('}', begins));
  return Object.fromEntries([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = '', value = '']) => [name, value]));
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

const light = colours_of(':root');
const dark = colours_of(":root[data-theme='dark']");

describe('the colours', () => {
  it('are the same in the dark, whoever chose it', () => {
    expect(colours_of(":root:not([data-theme='light'])")).toEqual(dark);
    expect(Object.keys(dark).length).toBeGreaterThan(20);
  });

  describe.each([['light', light], ['dark', dark]])('that are %s', (_, of) => {
    const backs = ['page', 'side', 'card', 'tint'];
    const pairs = (marks: string[], on: string[]) => marks.flatMap((mark) => on.map((back) => [mark, back] as const));

    it.each([...pairs(['good', 'sleep', 'warn-mark', 'bad-mark', 'line-strong', 'accent'], backs), ['warn-mark', 'warn-back'], ['bad-mark', 'bad-back'], ['sleep', 'bad-back']] as const)('have %s seen on %s', (mark, back) => {
      expect(contrast(of[mark] ?? '', of[back] ?? '')).toBeGreaterThanOrEqual(marks_min);
    });

    it.each([...pairs(['ink', 'quiet', 'accent'], backs), ['warn-ink', 'warn-back'], ['bad-ink', 'bad-back'], ['bad-ink', 'card'], ['on-accent', 'accent']] as const)('have %s read on %s', (text, back) => {
      expect(contrast(of[text] ?? '', of[back] ?? '')).toBeGreaterThanOrEqual(text_min);
    });
  });
});
