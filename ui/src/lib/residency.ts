// What a memory holds as blocks, and how a model stands. Pure; the words are in residency_words.ts.
import type { Act, MemoryDevice, ModelResidency } from './residency_api';

export type Standing = 'ready' | 'asleep' | 'waking' | 'starting' | 'draining' | 'failed' | 'waiting' | 'absent' | 'unfit' | 'fetching';

export interface Block {
  kind: 'model' | 'weights' | 'other' | 'reserved' | 'free';
  bytes: number;
  model: ModelResidency | null;
  /** A further engine of its model, which what is asked of it is told of already. */
  further: boolean;
}

/** What takes none of our memory: a server that somebody else runs. */
export const is_elsewhere = (model: ModelResidency) => model.bytes === 0 && !model.fetching;

/** `coming`: those whose room is still being made (coming_in). */
export function standing_of(model: ModelResidency, coming: ReadonlySet<string>): Standing {
  if (coming.has(model.id)) return 'waiting';
  if (model.state !== 'absent') return model.state;
  if (is_elsewhere(model)) return 'absent';
  if (!model.fits) return 'unfit';
  return model.waiting > 0 ? 'waiting' : 'absent';
}

/** The model itself, and its further engines as if each were one. */
export const engines_of = (model: ModelResidency): ModelResidency[] => [model, ...model.copies.map((copy) => ({ ...model, backing: null, backed: 0, sleep_level: null, copies: [], detail: null, pinned: false, ready_in_s: null, ...copy }))];

/** Somebody must act: nothing else is red. */
export const wants_somebody = (model: ModelResidency) => ['failed', 'unfit'].includes(standing_of(model, new Set()));

const lies_in = (device: MemoryDevice) => (model: ModelResidency) => model.node === device.node && model.device === device.device;
const takes = (model: ModelResidency) => ['ready', 'starting', 'draining', 'asleep', 'waking'].includes(model.state);
const size_of = (model: ModelResidency) => model.taken || model.bytes;
/** Their weights lie here, while they sleep on another device. */
const sleeps_in = (device: MemoryDevice) => (model: ModelResidency) =>
  model.node === device.node && model.backing === device.device && model.backed > 0 && (model.state === 'asleep' || model.state === 'waking');

/** For whom room is reserved: it takes none yet, and loads once others have gone. */
export function coming_in(device: MemoryDevice, models: readonly ModelResidency[]): ModelResidency | null {
  if (device.reserved === 0) return null;
  const here = models.filter(lies_in(device));
  const made_for = new Set(models.flatMap(engines_of).filter(lies_in(device)).filter((model) => model.state === 'draining').map((model) => model.other));
  const starting = here.filter((model) => model.state === 'starting');
  return here.find((model) => (model.state === 'starting' || model.state === 'asleep') && made_for.has(model.id)) ?? starting.find((model) => model.bytes === device.reserved) ?? null;
}

export function all_coming(devices: readonly MemoryDevice[], models: readonly ModelResidency[]): Set<string> {
  return new Set(devices.map((device) => coming_in(device, models)?.id).filter((id) => id !== undefined));
}

/**
 * Models that are there, load or go, the largest first, the weights of those that sleep elsewhere, then what else is taken,
 * reserved and free: all of the memory.
 * Of what is reserved, those that go still take a part.
 */
export function blocks_of(device: MemoryDevice, models: readonly ModelResidency[]): Block[] {
  const coming = coming_in(device, models);
  const there = models.flatMap(engines_of).filter(lies_in(device)).filter((model) => takes(model) && model !== coming).sort((a, b) => size_of(b) - size_of(a) || a.id.localeCompare(b.id));
  const blocks: Block[] = there.map((model) => ({ kind: 'model', bytes: size_of(model), model, further: !models.includes(model) }));
  for (const model of models.filter(sleeps_in(device))) blocks.push({ kind: 'weights', bytes: model.backed, model, further: false });
  const known = blocks.reduce((sum, each) => sum + each.bytes, 0);
  const taken = Math.max(device.taken, known);
  const left = Math.max(0, device.bytes - taken);
  const reserved = Math.min(left, device.reserved);
  for (const [kind, bytes] of [['other', taken - known], ['reserved', reserved], ['free', left - reserved]] as const) {
    if (bytes > 0) blocks.push({ kind, bytes, model: null, further: false });
  }
  return blocks;
}

/** What an operator may order: what takes a model in or out, and what holds it there. A pinned one does not go. */
export function acts_of(model: ModelResidency): Act[] {
  if (is_elsewhere(model) || model.fetching) return [];
  if (model.state === 'absent' && !model.fits && !model.may_be_tried) return model.pinned ? ['unpin'] : [];
  const there = model.state === 'ready' || model.state === 'starting' || model.state === 'waking';
  if (model.pinned) return there ? ['unpin'] : ['load', 'unpin'];
  if (model.state === 'asleep') return ['unload', 'wake', 'pin'];
  if (model.state === 'ready' && model.can_sleep) return ['unload', 'sleep', 'pin'];
  return [there ? 'unload' : 'load', 'pin'];
}

export const undo_of = { load: 'unload', unload: 'load', sleep: 'wake', wake: 'sleep', pin: 'unpin', unpin: 'pin' } as const satisfies Record<Act, Act>;

/** When it began to be as it is. */
export const since_of = (model: ModelResidency, at: string) => new Date(new Date(at).getTime() - model.in_state_s * 1000);

/** What a memory is called: the machine's own or a GPU by its number, and by its driver's name where that is known. */
export interface NamedDevice {
  kind: 'host' | 'gpu' | 'other';
  /** "0" of gpu0, "0+1" of several that are one memory; of another the id itself. */
  id: string;
  /** "A100-SXM4-40GB"; "2 × A10" or "A10 + L4" where several are one memory. */
  card: string | null;
  /** "1g.5gb": it is a part of a card (MIG). */
  part: string | null;
}

export function named_device(device: string, driver_name: string | null): NamedDevice {
  const number = /^gpu(\d+(?:\+\d+)*)$/.exec(device)?.[1];
  const [, card, part] = /^(.*?)(?: MIG (\S+))?$/.exec((driver_name ?? '').replaceAll('NVIDIA ', '')) ?? [];
  return { kind: device === 'host' ? 'host' : number ? 'gpu' : 'other', id: number ?? device, card: card || null, part: part ?? null };
}
