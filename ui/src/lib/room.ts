// How much of what a model remembers a conversation takes. What the engine counted at an answer is exact; what came
// after it is an estimate, the server's own: two tokens in seven bytes. Pure.
import { byte_length } from './turn';

export interface Counted {
  content: string;
  model: string | null;
  usage: { input_tokens: number; output_tokens: number } | null;
}

const message_tokens = 6;
const answer_tokens_min = 64;
const long_share = 0.75;

export function tokens_estimate(text: string): number {
  return Math.ceil((byte_length(text) * 2) / 7) + message_tokens;
}

export function tokens_in(branch: readonly Counted[], model: string): number {
  let out = 0;
  for (let i = branch.length - 1; i >= 0; i--) {
    const each = branch[i];
    if (!each) continue;
    if (each.usage && each.model === model) return out + each.usage.input_tokens + each.usage.output_tokens;
    if (each.content !== '') out += tokens_estimate(each.content);
  }
  return out;
}

export interface Room {
  used: number;
  max: number;
  /** Whole per cent, at most 100. */
  percent: number;
  /** `long`: time for a new conversation; `full`: the question would not fit, and is not sent. */
  level: 'roomy' | 'long' | 'full';
}

/** Null where the model does not say how much it remembers. `question`: what is being written. */
export function room_of(branch: readonly Counted[], question: string, model: { id: string; context_tokens: number | null }): Room | null {
  const max = model.context_tokens;
  if (!max) return null;
  const used = tokens_in(branch, model.id) + (question.trim() === '' ? 0 : tokens_estimate(question));
  const full = used + Math.min(answer_tokens_min, max / 4) > max;
  return { used, max, percent: Math.min(100, Math.round((used / max) * 100)), level: full ? 'full' : used >= max * long_share ? 'long' : 'roomy' };
}
