// Language and appearance: remembered in this browser, said on <html>.
import { browser_shelf } from './drafts';
import { number, type Language } from './format';
import { da, en, fill, type Words } from './words';

export type Theme = 'auto' | 'light' | 'dark';

function remembered(name: string): string | null {
  try {
    return browser_shelf()?.getItem(`faelled.${name}`) ?? null;
  } catch {
    return null;
  }
}

function remember(name: string, value: string) {
  try {
    browser_shelf()?.setItem(`faelled.${name}`, value);
  } catch {
    // Then it lasts until the page is closed.
  }
}

function one_of<T extends string>(value: string | null, all: readonly T[], otherwise: T): T {
  return all.find((each) => each === value) ?? otherwise;
}

class Preferences {
  language = $state<Language>(one_of(remembered('language'), ['da', 'en'], 'da'));
  theme = $state<Theme>(one_of(remembered('theme'), ['auto', 'light', 'dark'], 'auto'));

  /** Copied answers go without the line that says an AI wrote them. */
  plain_copy = $state(remembered('plain_copy') === 'yes');

  constructor() {
    this.show();
  }

  set_language(language: Language) {
    this.language = language;
    remember('language', language);
    this.show();
  }

  set_theme(theme: Theme) {
    this.theme = theme;
    remember('theme', theme);
    this.show();
  }

  set_plain_copy(plain: boolean) {
    this.plain_copy = plain;
    remember('plain_copy', plain ? 'yes' : 'no');
  }

  private show() {
    document.documentElement.lang = this.language;
    document.documentElement.dataset.theme = this.theme;
  }
}

export const preferences = new Preferences();

/** A way to say one page's own words: `import * as words from …; const say = words_of(words)`. */
export function words_of<K extends string>(words: Words<K>) {
  return (key: K, values: Record<string, string | number> = {}): string => {
    const shown = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        typeof value === 'number' ? number(value, preferences.language) : value,
      ]),
    );
    return fill(words[preferences.language][key], shown);
  };
}

export const t = words_of({ da, en });
