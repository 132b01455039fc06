import { describe, expect, it } from 'vitest';
import { branch_to, newest_below, siblings_of } from './tree';

//   q1 ─ a1 ─ q2 ─ a2
//      └ a1b     └ a2b
//   q1b ─ a1c
const node = (id: string, parent: string | null) => ({ id, parent });
const tree = [node('q1', null), node('a1', 'q1'), node('q2', 'a1'), node('a2', 'q2'), node('a1b', 'q1'), node('a2b', 'q2'), node('q1b', null), node('a1c', 'q1b')];
const ids = (all: { id: string }[]) => all.map((each) => each.id).join(' ');

describe('a conversation’s tree', () => {
  it('is read along one branch', () => {
    expect(ids(branch_to(tree, 'a2'))).toBe('q1 a1 q2 a2');
    expect(ids(branch_to(tree, 'a2b'))).toBe('q1 a1 q2 a2b');
    expect(ids(branch_to(tree, 'a1b'))).toBe('q1 a1b');
  });

  it('is read to its newest message where no leaf is named', () => {
    expect(ids(branch_to(tree, null))).toBe('q1b a1c');
    expect(ids(branch_to(tree, 'gone'))).toBe('q1b a1c');
    expect(ids(branch_to([], null))).toBe('');
  });

  it('ends even where messages name each other', () => {
    expect(branch_to([node('a', 'b'), node('b', 'a')], 'a').length).toBeLessThanOrEqual(2);
  });

  it('knows the alternatives to a message', () => {
    expect(ids(siblings_of(tree, tree[1]!))).toBe('a1 a1b');
    expect(ids(siblings_of(tree, tree[0]!))).toBe('q1 q1b');
  });

  it('goes on where a branch was last written in', () => {
    expect(newest_below(tree, 'a1')).toBe('a2b');
    expect(newest_below(tree, 'q1')).toBe('a2b');
    expect(newest_below(tree, 'a1b')).toBe('a1b');
  });
});
