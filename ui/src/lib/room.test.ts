import { describe, expect, it } from 'vitest';
import { room_of, tokens_estimate, tokens_in, type Counted } from './room';

const said = (content: string, model: string | null = null, usage: Counted['usage'] = null): Counted => ({ content, model, usage });
const model = { id: 'm', context_tokens: 1000 };

describe('the room in a conversation', () => {
  it('is estimated in bytes, as Danish letters take two', () => {
    expect(tokens_estimate('svar')).toBe(2 + 6);
    expect(tokens_estimate('æøå')).toBe(2 + 6);
  });

  it('is what the engine counted, and an estimate of what came after', () => {
    const branch = [said('q'.repeat(700)), said('a', 'm', { input_tokens: 300, output_tokens: 100 }), said('x'.repeat(35))];
    expect(tokens_in(branch, 'm')).toBe(400 + 16);
    expect(tokens_in(branch, 'another')).toBe(206 + 7 + 16);
  });

  it('counts what is being written', () => {
    expect(room_of([], '', model)).toMatchObject({ used: 0, percent: 0, level: 'roomy' });
    expect(room_of([], 'x'.repeat(350), model)).toMatchObject({ used: 106, percent: 11, level: 'roomy' });
  });

  it('grows long before it is full, and is full while there is no room for an answer', () => {
    const with_tokens = (used: number) => room_of([said('a', 'm', { input_tokens: used - 10, output_tokens: 10 })], '', model)?.level;
    expect(with_tokens(749)).toBe('roomy');
    expect(with_tokens(750)).toBe('long');
    expect(with_tokens(936)).toBe('long');
    expect(with_tokens(937)).toBe('full');
  });

  it('is not shown where the model does not say', () => {
    expect(room_of([], 'x', { id: 'm', context_tokens: null })).toBeNull();
  });
});
