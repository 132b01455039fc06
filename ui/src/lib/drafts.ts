// Half-written questions, kept in this browser until they are sent or their writer signs out.
const prefix = 'faelled.draft.';
const draft_chars_max = 200_000;

export interface Shelf {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export class Drafts {
  constructor(
    private readonly shelf: Shelf | null,
    private readonly user: string,
  ) {}

  private name(conversation: string | null) {
    return `${prefix}${this.user}.${conversation ?? 'new'}`;
  }

  read(conversation: string | null): string {
    try {
      return this.shelf?.getItem(this.name(conversation)) ?? '';
    } catch {
      return '';
    }
  }

  keep(conversation: string | null, text: string) {
    try {
      if (text === '') this.shelf?.removeItem(this.name(conversation));
      else this.shelf?.setItem(this.name(conversation), text.slice(0, draft_chars_max));
    } catch {
      // A full or forbidden store costs the draft at a refresh, not the writing.
    }
  }

  /** Everybody's: the next to sign in on this computer must not find them. */
  static forget_all(shelf: Shelf | null) {
    if (!shelf) return;
    const names = Array.from({ length: shelf.length }, (_, index) => shelf.key(index));
    for (const name of names) if (name?.startsWith(prefix)) shelf.removeItem(name);
  }
}

/** Null where the browser forbids it. */
export function browser_shelf(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}
