// A conversation is a tree: an edited question and an answer asked for again are siblings of what was there. Pure.
export interface Node {
  id: string;
  /** Null: it begins the conversation. */
  parent: string | null;
}

/** From the first message to `leaf`; null or unknown: to the newest. `all` in order of writing. */
export function branch_to<T extends Node>(all: readonly T[], leaf: string | null): T[] {
  const by_id = new Map(all.map((each) => [each.id, each]));
  const out: T[] = [];
  for (let at = by_id.get(leaf ?? '') ?? all.at(-1); at && out.length < all.length; at = by_id.get(at.parent ?? '')) out.push(at);
  return out.reverse();
}

/** The alternatives to a message, itself among them, oldest first. */
export function siblings_of<T extends Node>(all: readonly T[], node: T): T[] {
  return all.filter((each) => each.parent === node.parent);
}

/** Where a branch through `id` was last written in. */
export function newest_below<T extends Node>(all: readonly T[], id: string): string {
  const below = new Set([id]);
  let newest = id;
  for (const each of all) {
    if (each.parent === null || !below.has(each.parent)) continue;
    below.add(each.id);
    newest = each.id;
  }
  return newest;
}
