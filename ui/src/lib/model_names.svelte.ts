// Names of models by their ids, for whatever a page shows: a large catalogue has more models than a page lists. Each page
// has its own, so that it says what they are called now.
import { api } from './api';

const ids_max = 100; // in one question, as the server has it
const chars_max = 6_000; // of an address, of which the server reads 8 KiB

export class ModelNames {
  private known = $state.raw<ReadonlyMap<string, string>>(new Map());
  private readonly asked = new Set<string>();
  private waiting: string[] = [];
  private looking: Promise<void> | null = null;

  /** The name; the id until that is known, and where it is not to be had. */
  readonly of = (id: string): string => {
    void this.look_up([id]);
    return this.known.get(id) ?? id;
  };

  /** Each id is asked for once, those that are drawn together in one question. Comes back when no answer is awaited. */
  look_up(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      if (!id || this.asked.has(id)) continue;
      this.asked.add(id);
      this.waiting.push(id);
    }
    if (this.waiting.length > 0) this.looking ??= this.look();
    return this.looking ?? Promise.resolve();
  }

  private async look() {
    await Promise.resolve(); // until the rest of what is drawn now has asked too
    while (this.waiting.length > 0) {
      try {
        const found = await api.models(this.next_part());
        this.known = new Map([...this.known, ...found.map(({ id, name }) => [id, name] as const)]);
      } catch {
        // Then their ids are shown.
      }
    }
    this.looking = null;
  }

  private next_part(): string[] {
    const part: string[] = [];
    let chars = 0;
    for (const id of this.waiting) {
      chars += `&id=${encodeURIComponent(id)}`.length;
      if (part.length === ids_max || (part.length > 0 && chars > chars_max)) break;
      part.push(id);
    }
    this.waiting = this.waiting.slice(part.length);
    return part;
  }
}
