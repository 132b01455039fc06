// Where the reader is. Links of the page are followed without loading it anew; back and forward work as everywhere.
import { place_of, query_with } from './address';

class Here {
  pathname = $state(location.pathname);
  search = $state(location.search);
  /** Grows with every move that is not the first arrival: then a page's heading takes the focus. */
  moves = $state(0);

  place = $derived(place_of(this.pathname, ''));
  query = $derived(new URLSearchParams(this.search));

  go(address: string) {
    history.pushState(null, '', address);
    this.read();
    scrollTo(0, 0);
  }

  /** Changes the query: a step that back undoes, or with `replace` none (typing in a search field). */
  set(values: Record<string, string | null>, replace = false) {
    const address = location.pathname + query_with(location.search, values);
    if (replace) history.replaceState(null, '', address);
    else history.pushState(null, '', address);
    this.search = location.search;
  }

  /** The address with some of the query changed, for a link. */
  with(values: Record<string, string | null>): string {
    return this.pathname + query_with(this.search, values);
  }

  read() {
    if (this.pathname !== location.pathname) this.moves++;
    this.pathname = location.pathname;
    this.search = location.search;
  }

  /** Takes a click on a link of ours; false: the browser has it. */
  follow(event: MouseEvent): boolean {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return false;
    const link = (event.target as Element | null)?.closest?.('a');
    if (!link || !link.href || link.target || link.hasAttribute('download') || link.origin !== location.origin) return false;
    if (link.pathname.startsWith('/api/') || link.hash) return false;
    event.preventDefault();
    this.go(link.pathname + link.search);
    return true;
  }
}

export const here = new Here();
