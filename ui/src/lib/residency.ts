// What a memory holds as blocks, and how a model stands. Pure; the words are in residency_words.ts.
import type { Act, MemoryDevice, ModelResidency } from './residency_api';

export type Standing = 'ready' | 'starting' | 'draining' | 'failed' | 'waiting' | 'absent' | 'unfit';

export interface Block {
  kind: 'model' | 'other' | 'reserved' | 'free';
  bytes: number;
  model: ModelResidency | null;
}

/** What takes none of our memory: a server that somebody else runs. */
export const is_elsewhere = (model: ModelResidency) => model.bytes === 0;

export function standing_of(model: ModelResidency): Standing {
  if (model.state !== 'absent') return model.state;
  if (is_elsewhere(model)) return 'absent';
  if (!model.fits) return 'unfit';
  return model.waiting > 0 ? 'waiting' : 'absent';
}

/** Somebody must act: nothing else is red. */
export const wants_somebody = (model: ModelResidency) => ['failed', 'unfit'].includes(standing_of(model));

const lies_in = (device: MemoryDevice) => (model: ModelResidency) => model.node === device.node && model.device === device.device;
const takes = (model: ModelResidency) => ['ready', 'starting', 'draining'].includes(model.state);

/** Models that are there, come or go, the largest first, then what else is taken, reserved and free: all of the memory. */
export function blocks_of(device: MemoryDevice, models: readonly ModelResidency[]): Block[] {
  const there = models.filter(lies_in(device)).filter(takes).sort((a, b) => b.bytes - a.bytes || a.id.localeCompare(b.id));
  const blocks: Block[] = there.map((model) => ({ kind: 'model', bytes: model.bytes, model }));
  const known = there.reduce((sum, each) => sum + each.bytes, 0);
  const taken = Math.max(device.taken, known);
  for (const [kind, bytes] of [['other', taken - known], ['reserved', device.reserved], ['free', device.bytes - taken - device.reserved]] as const) {
    if (bytes > 0) blocks.push({ kind, bytes, model: null });
  }
  return blocks;
}

/** Whom its reserved room is for. */
export const awaited_in = (device: MemoryDevice, models: readonly ModelResidency[]) => models.filter(lies_in(device)).filter((model) => standing_of(model) === 'waiting');

/** What an operator may order: the first takes a model in or out, the second holds it there. */
export function acts_of(model: ModelResidency): Act[] {
  if (is_elsewhere(model)) return [];
  if (standing_of(model) === 'unfit') return model.pinned ? ['unpin'] : [];
  return [model.state === 'ready' || model.state === 'starting' ? 'unload' : 'load', model.pinned ? 'unpin' : 'pin'];
}

export const undo_of = { load: 'unload', unload: 'load', pin: 'unpin', unpin: 'pin' } as const satisfies Record<Act, Act>;

/** When it began to be as it is. */
export const since_of = (model: ModelResidency, at: string) => new Date(new Date(at).getTime() - model.in_state_s * 1000);

/** "local · gpu0"; the machine alone goes without saying where there is one. */
export const device_name = (device: { node: string | null; device: string | null }, nodes: number) => (nodes > 1 ? `${device.node} · ${device.device}` : (device.device ?? ''));
