import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { api } from './api';
import { follow } from './follow';
import { turn_from } from './turn';

const event = (name: string, id: number, data: unknown) => `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const delta = (after: number) => event('delta', after + 1, { text: 'x' });
const waiting = (position: number) => event('waiting', 0, { reason: 'queue', position, ready_in_s: null });
const end = (after: number) => event('end', after, { state: 'done', error: null, request_id: 'req_1', limit: null, usage: null });

/** A line that says this and then ends, or breaks. */
function line(words: string, broken: boolean) {
  let said = false;
  return new ReadableStream<Uint8Array>({
    pull(out) {
      if (!said && words) out.enqueue(new TextEncoder().encode(words));
      else if (broken) out.error(new TypeError('network error'));
      else out.close();
      said = true;
    },
  });
}

/** Follows over lines that bring `words`, the last of which may end the answer. */
async function followed(words: (nth: number, after: number) => string, broken: boolean) {
  let lines = 0;
  const events = vi.spyOn(api, 'events').mockImplementation(async (_, after) => line(words(lines++, after), broken));
  const following = follow('turn_1', turn_from(''), () => {}, new AbortController().signal).then(
    (turn) => turn.text,
    (cause) => cause,
  );
  await vi.advanceTimersByTimeAsync(300_000);
  return { outcome: await following, lines: events.mock.calls.length };
}

describe('an answer over a bad line', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it.each([true, false])('is followed to its end while something comes through (broken: %s)', async (broken) => {
    const { outcome } = await followed((nth, after) => (nth < 20 ? delta(after) : end(after)), broken);
    expect(outcome).toBe('x'.repeat(20));
  });

  it.each([true, false])('is waited for as long as the place in line is told (broken: %s)', async (broken) => {
    const { outcome } = await followed((nth, after) => (nth < 20 ? waiting(20 - nth) : delta(after) + end(after + 1)), broken);
    expect(outcome).toBe('x');
  });

  it.each([true, false])('is given up where nothing comes (broken: %s)', async (broken) => {
    const { outcome, lines } = await followed(() => '', broken);
    expect(outcome).toMatchObject({ status: 0 });
    expect(lines).toBeLessThan(10);
  });

  it('is given up where what comes is not the answer', async () => {
    const { outcome, lines } = await followed(() => '<html>Log ind</html>\n\n', false);
    expect(outcome).toMatchObject({ status: 0 });
    expect(lines).toBeLessThan(10);
  });
});
