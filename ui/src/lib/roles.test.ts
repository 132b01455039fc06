import { describe, expect, it } from 'vitest';
import { ways_of } from './roles';

const pages = (role: Parameters<typeof ways_of>[0]) => ways_of(role).map((each) => each.page);

describe('the navigation', () => {
  it('shows an employee what is theirs', () => {
    expect(pages('user')).toEqual(['chat', 'keys', 'usage', 'share', 'privacy', 'help', 'status']);
    expect(pages('builder')).toEqual(pages('user'));
  });

  it('shows an administrator people, keys and the agreement too', () => {
    expect(pages('member_admin')).toEqual(['chat', 'keys', 'usage', 'people', 'agreements', 'share', 'privacy', 'help', 'status']);
  });

  it('brings an auditor to the events, and an operator to maintenance, without a chat', () => {
    expect(ways_of('auditor')[0]?.href).toBe('/people/audit');
    expect(pages('operator')).toEqual(['maintenance', 'drift', 'models', 'people', 'agreements', 'share', 'fairness', 'privacy', 'help', 'status']);
  });
});
