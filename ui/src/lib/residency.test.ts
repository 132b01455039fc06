import { describe, expect, it } from 'vitest';
import { acts_of, all_coming, blocks_of, coming_in, engines_of, named_device, standing_of, undo_of, wants_somebody } from './residency';
import type { MemoryDevice, ModelResidency, ResidencyEvent } from './residency_api';
import { card_words, device_words, event_words, why_words, type Teller } from './residency_words';
import { fill } from './words';
import * as words from './words/residency';

const device: MemoryDevice = { node: 'local', device: 'gpu0', kind: 'gpu', name: null, bytes: 80e9, taken: 40e9, reserved: 10e9, cards: 1 };
const at = '2026-11-24T11:03:00.000000Z';
const model = (more: Partial<ModelResidency> = {}): ModelResidency => ({
  id: 'm', name: 'Model M', engine: 'llama', serves: 'chat', aliases: [], members: [], adapters: [], node: 'local', device: 'gpu0', memory: 'gpu', state: 'ready', cause: 'none', other: null,
  in_state_s: 60, bytes: 30e9, bytes_read: 0, taken: 0, backing: null, backed: 0, sleep_level: null, can_sleep: false, wake_s: null, pinned: false, fits: true, may_be_tried: false, detail: null, load_s: 12, ready_in_s: null, asked_per_hour: 0, running: 0, waiting: 0, fetching: null, copies: [], ...more,
});
const teller = (language: 'da' | 'en', coming: string[] = []): Teller => ({
  coming: new Set(coming),
  say: (key, values = {}) => fill(words[language][key], values),
  language,
  now: new Date(at),
  name_of: (id) => (id === 'b' ? 'Model B' : id),
});
function why(more: Partial<ModelResidency>, language: 'da' | 'en' = 'da', coming: string[] = []): string {
  const { head, rest } = why_words(model(more), at, [device], teller(language, coming));
  return `${head} ${rest}`.trim();
}

describe('a memory', () => {
  it('is all told as blocks: models, what else is taken, reserved, free', () => {
    const models = [model({ bytes: 6e9, id: 'small' }), model(), model({ id: 'gone', state: 'absent' }), model({ id: 'there', device: 'gpu1' })];
    const blocks = blocks_of(device, models);
    expect(blocks.map((each) => [each.kind, each.bytes / 1e9, each.model?.id])).toEqual([
      ['model', 30, 'm'], ['model', 6, 'small'], ['other', 4, undefined], ['reserved', 10, undefined], ['free', 30, undefined],
    ]);
    expect(blocks.reduce((sum, each) => sum + each.bytes, 0)).toBe(device.bytes);
  });

  it('holds a further engine of a model as it holds the first', () => {
    const copy = { node: 'local', device: 'gpu1', state: 'draining', cause: 'spare', other: 'comes', in_state_s: 3, taken: 31e9, running: 1 } as const;
    const models = [model({ pinned: true, copies: [copy] }), model({ id: 'comes', device: 'gpu1', state: 'starting', bytes: 70e9 })];
    const gpu1 = { ...device, device: 'gpu1', taken: 31e9, reserved: 70e9 };
    expect(coming_in(gpu1, models)?.id).toBe('comes');
    expect(blocks_of(gpu1, models).map((each) => [each.kind, each.bytes / 1e9, each.model?.id])).toEqual([['model', 31, 'm'], ['reserved', 49, undefined]]);
    const told = why_words(engines_of(models[0] ?? model())[1] ?? model(), at, [device], teller('da'));
    expect(told).toEqual({ head: 'Viger for comes: Modellen har en motor mere.', rest: 'Det sidste svar gøres færdigt.' });
  });

  it('is full without a block of nothing, even when models are larger than what is said to be taken', () => {
    expect(blocks_of({ ...device, bytes: 30e9, taken: 0, reserved: 0 }, [model()]).map((each) => each.kind)).toEqual(['model']);
    expect(blocks_of({ ...device, taken: 0, reserved: 0 }, []).map((each) => each.kind)).toEqual(['free']);
  });

  it('has no block for who comes, and of its room only what nobody takes any more', () => {
    const full = { ...device, taken: 60e9, reserved: 40e9 };
    const models = [model(), model({ id: 'goes', state: 'draining', other: 'comes' }), model({ id: 'comes', state: 'starting', bytes: 40e9 })];
    expect(coming_in(full, models)?.id).toBe('comes');
    expect(blocks_of(full, models).map((each) => [each.kind, each.bytes / 1e9, each.model?.id])).toEqual([['model', 30, 'goes'], ['model', 30, 'm'], ['reserved', 20, undefined]]);
    expect(coming_in(full, [models[2] ?? model()])?.id, 'by its size where nobody goes any more').toBe('comes');
    expect(coming_in({ ...full, reserved: 0 }, models)).toBe(null);
    expect([...all_coming([full], models)]).toEqual(['comes']);
  });

  it('holds the rest of one that sleeps, and another one its weights', () => {
    const sleeper = model({ state: 'asleep', taken: 2e9, backing: 'host', backed: 20e9 });
    const host: MemoryDevice = { node: 'local', device: 'host', kind: 'host', name: null, bytes: 64e9, taken: 20e9, reserved: 0, cards: 1 };
    expect(blocks_of({ ...device, taken: 2e9, reserved: 0 }, [sleeper]).map((each) => [each.kind, each.bytes / 1e9])).toEqual([['model', 2], ['free', 78]]);
    expect(blocks_of(host, [sleeper]).map((each) => [each.kind, each.bytes / 1e9, each.model?.id])).toEqual([['weights', 20, 'm'], ['free', 44, undefined]]);
    expect(blocks_of({ ...host, taken: 0 }, [{ ...sleeper, state: 'draining' }]).map((each) => each.kind)).toEqual(['free']);
    const goes = model({ id: 'goes', state: 'draining', other: 'm', bytes: 60e9 });
    expect(coming_in({ ...device, taken: 62e9, reserved: 28e9 }, [goes, sleeper])?.id).toBe('m');
  });

  it('is named with its machine where there are several', () => {
    const say: Teller['say'] = (key, values = {}) => fill(words.da[key], values);
    expect(device_words(device, 1, say)).toBe('GPU 0');
    expect(device_words(device, 2, say)).toBe('local · GPU 0');
    expect(device_words({ node: 'local', device: 'host' }, 1, say)).toBe('Maskinens hukommelse');
    expect(device_words({ node: 'local', device: 'gpu0+12' }, 1, say)).toBe('GPU 0+12');
    expect(card_words({ ...device, device: 'gpu0+1', name: '2 × NVIDIA A10' }, say)).toBe('2 × A10');
    expect(card_words({ ...device, device: 'gpu0+1', name: 'NVIDIA A10 + NVIDIA L4' }, say)).toBe('A10 + L4');
    expect(card_words({ ...device, name: 'NVIDIA A100-SXM4-40GB MIG 1g.5gb' }, say)).toBe('A100-SXM4-40GB, del 1g.5gb');
    expect(card_words({ ...device, name: 'NVIDIA A10' }, say)).toBe('A10');
    expect(card_words(device, say)).toBeNull();
    expect(named_device('tpu-3', 'MIG')).toEqual({ kind: 'other', id: 'tpu-3', card: 'MIG', part: null });
  });
});

describe('a model', () => {
  it('wants somebody only where it failed or fits nowhere', () => {
    expect(wants_somebody(model({ state: 'failed' }))).toBe(true);
    expect(wants_somebody(model({ state: 'absent', fits: false }))).toBe(true);
    expect(wants_somebody(model({ state: 'absent', fits: false, bytes: 0 }))).toBe(false);
    expect(wants_somebody(model({ state: 'draining' }))).toBe(false);
    expect(standing_of(model({ state: 'absent', waiting: 1 }), new Set())).toBe('waiting');
    expect(standing_of(model({ state: 'starting' }), new Set(['m']))).toBe('waiting');
  });

  it('can be ordered to do what makes sense, and each order has its way back', () => {
    expect(acts_of(model())).toEqual(['unload', 'pin']);
    expect(acts_of(model({ state: 'starting', pinned: true }))).toEqual(['unpin']);
    expect(acts_of(model({ state: 'failed', pinned: true }))).toEqual(['load', 'unpin']);
    expect(acts_of(model({ state: 'draining' }))).toEqual(['load', 'pin']);
    expect(acts_of(model({ state: 'absent', fits: false }))).toEqual([]);
    expect(acts_of(model({ state: 'absent', fits: false, may_be_tried: true }))).toEqual(['load', 'pin']);
    expect(acts_of(model({ bytes: 0 }))).toEqual([]);
    expect(acts_of(model({ can_sleep: true }))).toEqual(['unload', 'sleep', 'pin']);
    expect(acts_of(model({ can_sleep: true, state: 'asleep' }))).toEqual(['unload', 'wake', 'pin']);
    expect(acts_of(model({ can_sleep: true, state: 'waking' }))).toEqual(['unload', 'pin']);
    expect(acts_of(model({ can_sleep: true, pinned: true }))).toEqual(['unpin']);
    for (const [act, back] of Object.entries(undo_of)) expect(undo_of[back]).toBe(act);
  });
});

describe('the sentences', () => {
  it('say how a model stands and why', () => {
    const time = new Intl.DateTimeFormat('da-DK', { hour: '2-digit', minute: '2-digit' }).format(new Date('2026-11-24T11:02:00Z'));
    expect(why({ cause: 'asked' })).toBe(`Klar siden ${time}. Nogen spurgte efter den.`);
    expect(why({ cause: 'at_start', pinned: true })).toBe(`Klar siden ${time}. Der var plads til den. Holdes altid i hukommelsen.`);
    expect(why({ state: 'starting', ready_in_s: 11.2, cause: 'pinned', pinned: true })).toBe('Indlæses, ca. 12 s. En operatør vil altid have den der.');
    expect(why({ state: 'starting' })).toBe('Indlæses.');
    expect(why({ state: 'draining', cause: 'line_empty', other: 'b', running: 2 })).toBe('Viger for Model B: Ingen venter på den længere. De sidste 2 svar gøres færdige.');
    expect(why({ state: 'draining', cause: 'turn_over', running: 1 })).toBe('Viger for en anden model: Den har haft sin længste tur. Det sidste svar gøres færdigt.');
    expect(why({ state: 'draining' })).toBe('På vej ud.');
    expect(why({ state: 'absent', cause: 'makes_room', other: 'b' })).toBe('Ikke i hukommelsen. Den indlæses, når nogen spørger, på ca. 12 s. Den gav plads til Model B, fordi ingen brugte den.');
    expect(why({ state: 'absent', waiting: 1, ready_in_s: 30 })).toBe('Venter på plads, ca. 30 s.');
    expect(why({ state: 'absent', fits: false, bytes: 404e9 })).toBe('Passer ikke, fordi den kræver 404 GB, og den største hukommelse her er 80 GB.');
    expect(why({ state: 'absent', fits: false, may_be_tried: true, bytes: 221e6 })).toMatch(/^Passer ikke, fordi motoren sidst brugte 221 MB/);
    expect(why({ cause: 'recalled' })).toContain('Den skulle have givet plads');
    expect(why({ state: 'absent', cause: 'overdue', other: 'b' })).toContain('Den blev ikke klar og gav plads til Model B.');
    const group = { ...device, device: 'gpu0+1', bytes: 160e9, cards: 2 };
    const beside = (engine: 'llama' | 'vllm', devices: MemoryDevice[]) => why_words(model({ state: 'absent', fits: false, bytes: 404e9, engine }), at, devices, teller('da')).head;
    expect(beside('llama', [device, group])).toBe('Passer ikke, fordi den kræver 404 GB, og den største hukommelse her er 160 GB.');
    expect(beside('vllm', [device, group])).toBe('Passer ikke, fordi den kræver 404 GB, og den største enkelte GPU her er 80 GB.');
    expect(beside('vllm', [group])).toBe('Passer ikke, fordi den skal ligge på én GPU, og serverens er lagt sammen i grupper.');
    expect(why({ state: 'absent', fits: false })).toBe('Passer ikke, fordi fastholdte modeller optager for meget af hukommelsen. Giv en af dem fri.');
    expect(why({ state: 'fetching', bytes: 0, fetching: { bytes: 1, total: 4, left_s: 240 } })).toBe('Hentes, 25 %, ca. 4 min');
    expect(why({ state: 'failed', bytes: 0, fetching: { bytes: 0, total: 0, left_s: null } })).toBe('Filen blev ikke hentet.');
    expect(why({ state: 'absent', bytes: 0 })).toBe('Svarer ikke lige nu.');
    expect(why({ bytes: 0 })).toBe('Klar.');
    expect(why({ state: 'starting', ready_in_s: 30, cause: 'asked' }, 'da', ['m'])).toBe('Venter på plads, ca. 30 s. Nogen spurgte efter den.');
    expect(why({ state: 'starting', cause: 'broken' })).toBe('Indlæses. Motoren stoppede af sig selv.');
    expect(why({ state: 'failed', cause: 'broken' }, 'en')).toMatch(/^Not working since \d\d:\d\d\. Its engine ended by itself\.$/);
    expect(why({ in_state_s: 200_000 }, 'en')).toMatch(/^Ready since 22\/11\/2026/);
  });

  it('say that a model sleeps, since when, and how soon it is back', () => {
    const time = new Intl.DateTimeFormat('da-DK', { hour: '2-digit', minute: '2-digit' }).format(new Date('2026-11-24T11:02:00Z'));
    const asleep = { state: 'asleep', backed: 20e9, sleep_level: 1, wake_s: 0.6, cause: 'makes_room', other: 'b' } as const;
    expect(why(asleep)).toBe(`Sover siden ${time}, ingen venter. Den vågner på ca. 1 s, når nogen spørger. Den gav plads til Model B, fordi ingen brugte den.`);
    expect(why({ ...asleep, waiting: 2, cause: 'ordered' })).toBe(`Sover siden ${time}, 2 venter. Den vågner på ca. 1 s, når nogen spørger. En operatør satte den til at sove.`);
    expect(why({ state: 'waking', ready_in_s: 0.4, cause: 'asked' })).toBe('Vågner, ca. 1 s. Nogen spurgte efter den.');
    expect(why({ state: 'draining', sleep_level: 1, cause: 'ordered', running: 1 })).toBe('Sættes til at sove: En operatør bad om det. Det sidste svar gøres færdigt.');
    expect(why({ state: 'draining', sleep_level: 1, cause: 'makes_room', other: 'b' })).toBe('Viger for Model B: Ingen bruger den nu. Derefter sover den.');
    const forgot = { ...asleep, backed: 0, sleep_level: 2, wake_s: 7.2 } as const;
    expect(why(forgot)).toBe(`Sover uden vægte siden ${time}, ingen venter. Den læser dem fra disken igen på ca. 8 s, når nogen spørger. Den gav plads til Model B, fordi ingen brugte den.`);
    expect(why({ ...forgot, waiting: 1 }, 'en')).toMatch(/^Asleep without its weights since [\d:]+, 1 waiting\. It reads them from the disk again in about 8 s when somebody asks\./);
    expect(why({ state: 'draining', sleep_level: 2, cause: 'ordered' })).toBe('Sættes til at sove: En operatør bad om det. Derefter sover den uden vægte.');
    expect(why({ state: 'absent', cause: 'keeps' }, 'en')).toBe('Not in memory. It is loaded when somebody asks, in about 12 s. It was to sleep and kept its memory.');
  });

  it('say what happened, with its reason', () => {
    const event = (more: Partial<ResidencyEvent>): ResidencyEvent => ({ number: 1, at, what: 'load', cause: 'none', model: 'b', other: null, node: 'local', device: 'gpu0', bytes: 1, took_s: null, sleep_level: null, detail: null, ...more });
    const say = (more: Partial<ResidencyEvent>, language: 'da' | 'en' = 'da') => event_words(event(more), teller(language));
    expect(say({ cause: 'asked' })).toBe('Model B begynder at blive indlæst. Nogen venter på den.');
    expect(say({ what: 'ready', took_s: 11.4, cause: 'asked' })).toBe('Model B er klar efter 12 s. Nogen spurgte efter den.');
    expect(say({ what: 'gone', cause: 'unused' })).toBe('Model B er ude af hukommelsen. Ingen havde spurgt efter den længe.');
    expect(say({ what: 'drain', cause: 'line_empty', other: 'x' }, 'en')).toBe('Model B gets no more questions here. Nobody waits for it any more, and its room is needed for x.');
    expect(say({ what: 'sleep', cause: 'makes_room', other: 'x' })).toBe('Model B sættes til at sove. Ingen bruger den, og der er brug for pladsen til x.');
    expect(say({ what: 'asleep', cause: 'makes_room', other: 'x', took_s: 1.2 })).toBe('Model B sover efter 2 s.');
    expect(say({ what: 'wake', cause: 'asked' })).toBe('Model B vækkes. Nogen venter på den.');
    expect(say({ what: 'sleep', sleep_level: 2, cause: 'unused' })).toBe('Model B sættes til at sove uden vægte, da der ikke er plads til dem. Ingen har spurgt efter den længe.');
    expect(say({ what: 'wake', sleep_level: 2, cause: 'asked' }, 'en')).toBe('Model B is woken and reads its weights again. Somebody waits for it.');
    expect(say({ what: 'unload', cause: 'keeps' }, 'en')).toBe('Model B is taken out of memory. It was to sleep and kept its memory.');
    expect(say({ what: 'pin', cause: 'ordered' })).toBe('Model B holdes nu altid i hukommelsen.');
    const all = ['none', 'asked', 'pinned', 'at_start', 'ordered', 'makes_room', 'line_empty', 'turn_over', 'unused', 'broken', 'removed', 'habit', 'keeps', 'elsewhere', 'busy', 'spare', 'enough', 'recalled', 'overdue'] as const;
    const acts = ['load', 'ready', 'drain', 'serve', 'unload', 'gone', 'failed', 'pin', 'unpin', 'sleep', 'asleep', 'wake'] as const;
    for (const cause of all) for (const what of acts) for (const language of ['da', 'en'] as const) expect(say({ cause, what }, language)).not.toMatch(/undefined|\{/);
  });
});
