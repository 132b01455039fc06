import { describe, expect, it } from 'vitest';
import { after_event, byte_length, read_event, turn_from, type Turn, type TurnEvent } from './turn';

/** Events as the server sends them: each id is the bytes of answer text so far. */
function events_of(pieces: string[], from_bytes = 0): TurnEvent[] {
  let sent = from_bytes;
  return pieces.map((text) => ({ type: 'delta', id: (sent += byte_length(text)), data: { text } }));
}

const after = (turn: Turn, events: TurnEvent[]) => events.reduce(after_event, turn);
const words = ['Æbler', ' og ', 'øl', ' på ', '🐄-fælleden', '.'];

describe('an answer', () => {
  it('is the pieces in order, and counts UTF-8 bytes', () => {
    const turn = after(turn_from(''), events_of(words));
    expect(turn.text).toBe('Æbler og øl på 🐄-fælleden.');
    expect(turn.bytes).toBe(new TextEncoder().encode(turn.text).length);
  });

  it('goes on after a refresh from what was already shown', () => {
    const shown = words.slice(0, 3).join('');
    const turn = after(turn_from(shown), events_of(words.slice(3), byte_length(shown)));
    expect(turn.text).toBe(words.join(''));
  });

  it('takes each letter once when events are sent again', () => {
    const events = events_of(words);
    const turn = after(turn_from(''), [...events.slice(0, 4), ...events.slice(1, 5), ...events.slice(4)]);
    expect(turn.text).toBe(words.join(''));
    expect(turn.gap).toBe(false);
  });

  it('takes only the new part of a piece that overlaps, wherever the line broke', () => {
    const whole = words.join('');
    const letters = Array.from(whole);
    for (let had = 0; had <= letters.length; had++) {
      const start = turn_from(letters.slice(0, had).join(''));
      const turn = after(start, [{ type: 'delta', id: byte_length(whole), data: { text: whole } }]);
      expect(turn.text).toBe(whole);
      expect(turn.bytes).toBe(byte_length(whole));
    }
  });

  it('notices a missing piece and keeps what it had, to ask again from there', () => {
    const events = events_of(words);
    const turn = after(turn_from(''), [events[0]!, events[2]!, events[3]!]);
    expect(turn.gap).toBe(true);
    expect(turn.text).toBe('Æbler');
    expect(after({ ...turn, gap: false }, events.slice(1)).text).toBe(words.join(''));
  });

  it('shows waiting until the first piece', () => {
    const waiting: TurnEvent = { type: 'waiting', data: { reason: 'queue', position: 3, ready_in_s: null } };
    const turn = after_event(turn_from(''), waiting);
    expect(turn.waiting?.position).toBe(3);
    expect(after(turn, events_of(['Ja'])).waiting).toBeNull();
  });

  it('ends once: nothing comes after the end', () => {
    const end: TurnEvent = { type: 'end', data: { state: 'stopped', error: null, request_id: 'req_1', limit: null, usage: null } };
    const turn = after(turn_from(''), [...events_of(['Ja']), end, ...events_of(['!'], 2)]);
    expect(turn.text).toBe('Ja');
    expect(turn.end?.state).toBe('stopped');
  });

  it('survives random breaks, repeats and overlaps', () => {
    let seed = 20260114;
    const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
    const letters = Array.from('Rødgrød med fløde 🍓 til 98 kommuner — æøå ÆØÅ 🐄🐄. '.repeat(4));
    const whole = letters.join('');
    for (let round = 0; round < 300; round++) {
      let turn = turn_from('');
      while (turn.text !== whole) {
        // A new line: the server sends from any earlier place up to any later one, then it breaks.
        const had = Array.from(turn.text).length;
        const from = random(had + 1);
        const to = Math.min(letters.length, had + 1 + random(30));
        let at = from;
        let sent = byte_length(letters.slice(0, from).join(''));
        while (at < to) {
          const next = Math.min(to, at + 1 + random(7));
          const text = letters.slice(at, next).join('');
          sent += byte_length(text);
          turn = after_event(turn, { type: 'delta', id: sent, data: { text } });
          at = next;
        }
        expect(whole.startsWith(turn.text)).toBe(true);
      }
      expect(turn.bytes).toBe(byte_length(whole));
    }
  });
});

describe('events', () => {
  it('are read by name', () => {
    expect(read_event('delta', '2', '{"text":"Ja"}')).toEqual({ type: 'delta', id: 2, data: { text: 'Ja' } });
    expect(read_event('waiting', '0', '{"reason":"starting","position":null,"ready_in_s":12}')?.type).toBe('waiting');
  });

  it('that this page does not know are left alone', () => {
    expect(read_event('thought', '2', '{}')).toBeNull();
    expect(read_event(undefined, '2', '{}')).toBeNull();
  });
});
