import { describe, expect, it } from 'vitest';
import { Drafts, type Shelf } from './drafts';

function shelf(): Shelf & { all: Map<string, string> } {
  const all = new Map<string, string>();
  return {
    all,
    get length() {
      return all.size;
    },
    key: (index) => [...all.keys()][index] ?? null,
    getItem: (key) => all.get(key) ?? null,
    setItem: (key, value) => void all.set(key, value),
    removeItem: (key) => void all.delete(key),
  };
}

describe('a half-written question', () => {
  it('is kept per conversation and person', () => {
    const kept = shelf();
    const mine = new Drafts(kept, 'usr_1');
    mine.keep(null, 'ny');
    mine.keep('con_1', 'gammel');
    expect(new Drafts(kept, 'usr_1').read(null)).toBe('ny');
    expect(new Drafts(kept, 'usr_1').read('con_1')).toBe('gammel');
    expect(new Drafts(kept, 'usr_2').read('con_1')).toBe('');
  });

  it('leaves nothing behind when it is emptied', () => {
    const kept = shelf();
    const drafts = new Drafts(kept, 'usr_1');
    drafts.keep('con_1', 'x');
    drafts.keep('con_1', '');
    expect(kept.all.size).toBe(0);
  });

  it('is forgotten at sign-out, everybody’s, and only that', () => {
    const kept = shelf();
    kept.setItem('faelled.theme', 'dark');
    for (const user of ['usr_1', 'usr_2']) for (const conversation of [null, 'con_1', 'con_2']) new Drafts(kept, user).keep(conversation, 'x');
    Drafts.forget_all(kept);
    expect([...kept.all.keys()]).toEqual(['faelled.theme']);
  });

  it('does not stop the writing when the browser refuses to keep it', () => {
    const refusing: Shelf = {
      ...shelf(),
      setItem: () => {
        throw new DOMException('full', 'QuotaExceededError');
      },
    };
    const drafts = new Drafts(refusing, 'usr_1');
    expect(() => drafts.keep(null, 'x')).not.toThrow();
    expect(new Drafts(null, 'usr_1').read(null)).toBe('');
  });
});
