// How a model stands and what happened to it, in sentences made of cause, other and time.
import { bytes_text, clock_time, locale, type Language } from './format';
import { fetching_words } from './fetching';
import { is_elsewhere, named_device, since_of, standing_of } from './residency';
import type { MemoryDevice, ModelResidency, ResidencyEvent } from './residency_api';
import { short_time } from './when';
import type * as words from './words/residency';

export type Say = (key: keyof typeof words.da, values?: Record<string, string | number>) => string;

export interface Teller {
  say: Say;
  language: Language;
  now: Date;
  /** Whose room is still being made. */
  coming: ReadonlySet<string>;
  /** What people call a model. */
  name_of: (id: string) => string;
}

const seconds = (value: number) => Math.max(1, Math.ceil(value));
const came = ['asked', 'pinned', 'at_start', 'ordered', 'habit', 'busy', 'recalled'] as const;
const went = ['ordered', 'makes_room', 'line_empty', 'turn_over', 'unused', 'broken', 'keeps', 'elsewhere', 'spare', 'enough', 'overdue'] as const;
const goes = [...went, 'removed'] as const;
const dozes = ['ordered', 'unused'] as const;
const one_of = <T extends string>(all: readonly T[], cause: string) => all.find((each) => each === cause);
const sentences = (...all: (string | null | undefined)[]) => all.filter(Boolean).join(' ');

function time_words(time: Date, { language, now }: Teller): string {
  const iso = time.toISOString();
  return time.toDateString() === now.toDateString() ? clock_time(iso, language) : short_time(iso, language);
}

/** "GPU 0", "Maskinens hukommelse"; with the machine before it where there are several. */
export function device_words(at: { node: string | null; device: string | null }, nodes: number, say: Say): string {
  const { kind, id } = named_device(at.device ?? '', null);
  const name = kind === 'host' ? say('device_host') : kind === 'gpu' ? say('device_gpu', { number: id }) : id;
  return nodes > 1 ? `${at.node} · ${name}` : name;
}

/** The card behind it, "A100, del 1g.5gb"; null where nothing is known. */
export function card_words(device: MemoryDevice, say: Say): string | null {
  const { card, part } = named_device(device.device, device.name);
  return card && part ? say('device_part', { card, part }) : card;
}

/** The model that it makes room for. */
const other_of = (other: string | null, { say, name_of }: Teller) => (other ? name_of(other) : say('other_unknown'));

export function unfit_words(model: ModelResidency, devices: readonly MemoryDevice[], { say, language }: Teller): string {
  if (model.may_be_tried) return say('why_unfit_took', { bytes: bytes_text(model.bytes, language, 'up') });
  const of_its_kind = devices.filter((each) => each.kind === model.memory);
  const suit = of_its_kind.filter((each) => each.cards === 1 || model.engine === 'llama'); // only llama.cpp divides a model
  const largest = Math.max(0, ...suit.map((each) => each.bytes));
  if (largest === 0 && of_its_kind.length > 0 && suit.length === 0) return say('why_unfit_groups');
  if (largest === 0) return say(model.memory === 'gpu' ? 'why_unfit_no_gpu' : 'why_unfit_none');
  if (model.bytes <= largest) return say('why_unfit_pinned');
  const groups = of_its_kind.length > suit.length;
  return say(groups ? 'why_unfit_alone' : 'why_unfit', { bytes: bytes_text(model.bytes, language, 'up'), largest: bytes_text(largest, language, 'down') });
}

/** How a model stands, and what there is to say beside it: why, and what comes next. */
export interface Told {
  head: string;
  rest: string;
}

/** `detail` of the server is not in here: it is English, and said beside. */
export function why_words(model: ModelResidency, at: string, devices: readonly MemoryDevice[], teller: Teller): Told {
  const { say } = teller;
  const other = other_of(model.other, teller);
  const coming = one_of(came, model.cause);
  const gone = one_of(went, model.cause);
  const pinned = model.pinned && model.cause !== 'pinned' ? say('drift_pinned') : null;
  const told = (head: string, ...rest: (string | null | undefined)[]): Told => ({ head, rest: sentences(...rest) });
  const restarts = model.cause === 'broken' ? say('went_broken') : null;
  switch (standing_of(model, teller.coming)) {
    case 'ready':
      if (is_elsewhere(model)) return told(say('why_elsewhere_ready')); // since when is not known
      return told(say('why_ready', { time: time_words(since_of(model, at), teller) }), coming && say(`came_${coming}`), pinned);
    case 'starting':
      return told(model.ready_in_s === null ? say('why_starting_unknown') : say('why_starting', { seconds: seconds(model.ready_in_s) }), coming && say(`came_${coming}`), restarts, pinned);
    case 'waking':
      return told(model.ready_in_s === null ? say('why_waking_unknown') : say('why_waking', { seconds: seconds(model.ready_in_s) }), coming && say(`came_${coming}`), pinned);
    case 'asleep': {
      const time = time_words(since_of(model, at), teller);
      const why = model.cause === 'ordered' ? say('slept_ordered') : gone && say(`went_${gone}`, { other });
      const forgot = model.sleep_level === 2;
      const head = model.waiting === 0 ? say(forgot ? 'why_forgot' : 'why_asleep', { time }) : say(forgot ? 'why_forgot_waited' : 'why_asleep_waited', { time, count: model.waiting });
      return told(head, model.wake_s === null ? null : say(forgot ? 'why_forgot_wakes_in' : 'why_asleep_wakes_in', { seconds: seconds(model.wake_s) }), why);
    }
    case 'draining': {
      const going = one_of(goes, model.cause);
      const then = model.sleep_level === null ? null : say(model.sleep_level === 2 ? 'why_then_forgets' : 'why_then_sleeps');
      const dozing = then && one_of(dozes, model.cause);
      const last = model.running === 0 ? null : model.running === 1 ? say('why_last_answer') : say('why_last_answers', { count: model.running });
      if (dozing) return told(say(`dozes_${dozing}`), last, model.sleep_level === 2 ? then : null);
      return told(going ? say(`goes_${going}`, { other }) : say('goes_none'), last, then);
    }
    case 'fetching':
      return told(model.fetching ? fetching_words(model.fetching, say) : say('stands_fetching'));
    case 'failed':
      if (model.fetching) return told(say('why_fetch_failed'));
      if (is_elsewhere(model)) return told(say('why_elsewhere_absent'));
      return told(say('why_failed', { time: time_words(since_of(model, at), teller) }), model.detail ? null : restarts);
    case 'waiting':
      return told(model.ready_in_s === null ? say('why_waiting_unknown') : say('why_waiting', { seconds: seconds(model.ready_in_s) }), coming && say(`came_${coming}`), pinned);
    case 'unfit':
      return told(unfit_words(model, devices, teller));
    case 'absent':
      if (is_elsewhere(model)) return told(say('why_elsewhere_absent'));
      return told(say('why_absent'), model.load_s === null ? say('why_wakes') : say('why_wakes_in', { seconds: seconds(model.load_s) }), gone && say(`went_${gone}`, { other }), pinned);
  }
}

/** What is asked of a model: "2 i gang, 1 venter, 118 spørgsmål i timen." */
export function demand_words(model: ModelResidency, { say, language }: Teller): string {
  const asked = model.asked_per_hour.toLocaleString(locale[language], { maximumFractionDigits: model.asked_per_hour < 9.95 ? 1 : 0 });
  const key = model.waiting > 0 ? 'drift_demand_waited' : model.running > 0 ? 'drift_demand' : 'drift_demand_idle';
  return say(key, { running: model.running, waiting: model.waiting, asked });
}

/** Of what is over, why it was; of what goes on, why it is. */
function reason_words(event: ResidencyEvent, teller: Teller): string | null {
  const { say } = teller;
  const other = other_of(event.other, teller);
  if (event.cause === 'none' || event.what === 'pin' || event.what === 'unpin') return null;
  const coming = event.what === 'ready' && one_of(came, event.cause);
  if (coming) return say(`came_${coming}`);
  const gone = event.what === 'gone' && one_of(went, event.cause);
  if (event.what === 'asleep') return null; // why was told when it was put to sleep
  if (gone) return say(`went_${gone}`, { other });
  if (event.what === 'gone' && event.cause !== 'removed') return null; // it had come for that
  return say(`because_${event.cause}`, { other });
}

/** What happened and, in a sentence of its own, why. */
export function event_words(event: ResidencyEvent, teller: Teller): string {
  const { say, name_of } = teller;
  const model = name_of(event.model);
  const took = event.took_s !== null && (event.what === 'ready' || event.what === 'gone' || event.what === 'asleep');
  const key = event.sleep_level === 2 && event.what === 'sleep' ? 'forget' : event.sleep_level === 2 && event.what === 'wake' ? 'reload' : event.what;
  const what = took ? say(`event_${event.what as 'ready' | 'gone' | 'asleep'}_took`, { model, seconds: seconds(event.took_s ?? 0) }) : say(`event_${key}`, { model });
  return sentences(what, reason_words(event, teller));
}
