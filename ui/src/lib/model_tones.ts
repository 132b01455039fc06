import type { Tone } from '../parts/StateDot.svelte';

/** How a model's state is marked, wherever it stands. One that this page does not know is 'off'. */
export const tone_of_model = (state: string): Tone => tones[state] ?? 'off';

const tones: Record<string, Tone> = { ready: 'good', starting: 'warn', waking: 'warn', draining: 'warn', fetching: 'warn', absent: 'off', asleep: 'off', failed: 'bad' };
