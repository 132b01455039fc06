import { describe, expect, it } from 'vitest';
import { snippet, snippet_kinds } from './snippets';

const facts = { origin: 'https://faelled.example', model: 'mistral-small', secret: 'fk_abc', question: 'Hej?' };

describe('a snippet', () => {
  it.each(snippet_kinds)('for $label names the server, and the key where it is known', ({ kind }) => {
    expect(snippet(kind, facts)).toContain('https://faelled.example/v1');
    expect(snippet(kind, facts)).toContain('fk_abc');
    expect(snippet(kind, { ...facts, secret: null })).toContain('FAELLED_KEY');
  });

  it('asks the model, except where the front end lets people choose it', () => {
    for (const { kind } of snippet_kinds.filter((each) => each.kind !== 'openwebui')) expect(snippet(kind, facts)).toContain('mistral-small');
  });

  it('survives quotation marks', () => {
    const odd = { ...facts, question: `Er "det" l'eau?` };
    expect(snippet('curl', odd)).toContain(`Er \\"det\\" l'\\''eau?`);
    expect(snippet('python', odd)).toContain(`"Er \\"det\\" l'eau?"`);
  });
});
