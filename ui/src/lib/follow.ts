// Follows one answer to its end, over lost lines and sleeping laptops. A turn that nobody watches for 30 s is
// cancelled by the server, so a silent line is given up well before that.
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { api, as_problem, Problem } from './api';
import { after_event, read_event, type Turn } from './turn';

const silence_ms_max = 22_000; // the server sends a keep-alive every 10 s
const pause_ms = [300, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000];

export async function follow(
  turn_id: string,
  start: Turn,
  on_change: (turn: Turn, line_lost: boolean) => void,
  signal: AbortSignal,
): Promise<Turn> {
  let turn = start;
  let failures = 0;
  while (!turn.end) {
    try {
      const heard = (next: Turn) => {
        if (next.bytes > turn.bytes || next.waiting !== turn.waiting) failures = 0; // it came through, however the line ends
        on_change((turn = next), false);
      };
      await watch_once(turn_id, turn, heard, signal);
    } catch (cause) {
      if (signal.aborted) throw cause;
      const problem = as_problem(cause);
      if (problem.status >= 400 && problem.status < 500 && problem.status !== 429) throw problem;
      if (failures + 1 >= pause_ms.length) throw problem;
    }
    if (turn.end) break;
    if (failures >= pause_ms.length) throw Problem.offline();
    turn = { ...turn, gap: false };
    on_change(turn, failures > 0); // one quick try before anyone is told
    await pause(pause_ms[failures++] ?? 8_000, signal);
  }
  return turn;
}

async function watch_once(id: string, turn: Turn, on_change: (turn: Turn) => void, signal: AbortSignal) {
  const line = new AbortController();
  const give_up = () => line.abort();
  signal.addEventListener('abort', give_up);
  let watchdog = setTimeout(give_up, silence_ms_max);
  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(give_up, silence_ms_max);
  };
  try {
    const body = await api.events(id, turn.bytes, line.signal);
    if (!body) return;
    const heard = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, out) {
        alive();
        out.enqueue(chunk);
      },
    });
    const events = body
      .pipeThrough(heard)
      .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
      .pipeThrough(new EventSourceParserStream())
      .getReader();
    for (;;) {
      const { done, value } = await events.read();
      if (done) return;
      const event = read_event(value.event, value.id, value.data);
      if (!event) continue;
      turn = after_event(turn, event);
      on_change(turn);
      if (turn.end || turn.gap) return;
    }
  } finally {
    clearTimeout(watchdog);
    signal.removeEventListener('abort', give_up);
    line.abort();
  }
}

function pause(ms: number, signal: AbortSignal) {
  return new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
