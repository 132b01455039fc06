// The mock's memories and the models in them: on two devices, in every state that there is, and one that fits nowhere. Orders are carried out; what is loaded is ready after a few seconds.
const iso = (ms) => new Date(ms).toISOString().replace('Z', '000Z');
const load_ms = 4_000;
const gb = 1e9;

/** A page of a list of models. */
export function model_page(all, url, in_order = (rows) => [...rows].sort((a, b) => (a.id < b.id ? -1 : 1))) {
  const query = (name) => url.searchParams.get(name) ?? '';
  const has = (text) => text.toLowerCase().includes(query('search').toLowerCase());
  const is_wanted = (one) => !query('serves') || one.serves === query('serves');
  const ids = [...new Set(url.searchParams.getAll('id'))].filter(Boolean);
  if (ids.length > 0) return { models: ids.flatMap((id) => all.filter((one) => one.id === id)).filter(is_wanted), next: null, total: all.length };
  const found = in_order(all).filter(is_wanted).filter((one) => [one.id, one.name ?? '', ...(one.aliases ?? []), ...(one.adapters ?? []).map((each) => each.id)].some(has));
  const from = query('after') ? found.findIndex((one) => one.id === query('after')) + 1 : 0;
  const limit = Number(query('limit') || 1000);
  const models = found.slice(from, from + limit);
  return { models, next: found.length > from + limit ? models.at(-1).id : null, total: all.length };
}

/** `more`: so many further models that nobody uses. */
export function mock_residency({ note, more = 0 }) {
  const start = Date.now();
  const devices = [
    { node: 'fælled-1', device: 'gpu0', kind: 'gpu', name: 'NVIDIA A100-SXM4-80GB', bytes: 80 * gb, cards: 1 },
    { node: 'fælled-1', device: 'gpu1', kind: 'gpu', name: 'NVIDIA H100 NVL MIG 4g.48gb', bytes: 48 * gb, cards: 1 },
    { node: 'fælled-1', device: 'host', kind: 'host', name: null, bytes: 256 * gb, cards: 1 },
  ];
  const model = (id, name, more) => ({ id, name, engine: 'llama', serves: 'chat', aliases: [], members: [], adapters: [], node: null, device: null, memory: 'gpu', state: 'absent', cause: 'none', other: null, since: start, bytes: 0, bytes_read: 0, taken: 0, backing: null, backed: 0, sleep_level: null, can_sleep: false, wake_s: null, pinned: false, fits: true, detail: null, load_s: null, ready_at: null, asked_per_hour: 0, running: 0, waiting: 0, fetching: null, copies: [], ...more });
  const minutes = (count) => start - count * 60_000;
  const models = [
    model('bge-m3', 'BGE M3', { serves: 'embeddings', aliases: ['text-embedding-3-small'], state: 'failed', cause: 'broken', since: minutes(7), bytes: 1.2 * gb, load_s: 3, detail: 'models/bge-m3.gguf: No such file or directory' }),
    model('deepseek-v3-671b', 'DeepSeek V3 671B', { bytes: 404 * gb, fits: false, load_s: 180, since: minutes(300) }),
    model('gemma-3-270m', 'Gemma 3 270M', { aliases: ['lille'], node: 'fælled-1', device: 'gpu1', state: 'ready', cause: 'at_start', since: minutes(130), bytes: 0.6 * gb, bytes_read: 0.57 * gb, load_s: 1.4, asked_per_hour: 12, running: 1 }),
    model('llama-3.3-70b', 'Llama 3.3 70B', { node: 'fælled-1', device: 'gpu0', state: 'starting', cause: 'asked', since: start, bytes: 41.4 * gb, load_s: 31, ready_at: start + 24 * 3_600_000, ready_in_s: 44, asked_per_hour: 3.5, waiting: 3 }),
    model('mistral-small-24b', 'Mistral Small 24B', { adapters: [{ id: 'mistral-small-24b:jura', name: 'jura', members: ['aarhus'] }], aliases: ['standard', 'gpt-4o-mini'], node: 'fælled-1', device: 'gpu0', state: 'draining', cause: 'line_empty', other: 'llama-3.3-70b', since: minutes(0), bytes: 26.8 * gb, bytes_read: 26.1 * gb, load_s: 14, asked_per_hour: 41, running: 2 }),
    model('phi-4-14b', 'Phi 4 14B', { cause: 'unused', since: minutes(55), bytes: 15.2 * gb, load_s: 8, asked_per_hour: 0.4 }),
    model('qwen3-32b', 'Qwen3 32B', { node: 'fælled-1', device: 'gpu0', state: 'ready', cause: 'pinned', since: minutes(412), pinned: true, bytes: 36.9 * gb, bytes_read: 36.2 * gb, load_s: 22, asked_per_hour: 118, running: 4 }),
    model('apertus-8b', 'Apertus 8B', { engine: 'vllm', node: 'fælled-1', device: 'gpu1', state: 'asleep', cause: 'makes_room', other: 'viking-33b', since: minutes(24), bytes: 21.4 * gb, bytes_read: 1.5 * gb, taken: 1.5 * gb, backing: 'host', backed: 16.1 * gb, sleep_level: 1, can_sleep: true, load_s: 46, wake_s: 1.2, asked_per_hour: 2 }),
    model('viking-33b', 'Viking 33B', { node: 'fælled-1', device: 'gpu1', state: 'starting', cause: 'asked', since: start, bytes: 34.5 * gb, load_s: 19, ready_at: start + 24 * 3_600_000, ready_in_s: 12, asked_per_hour: 6, waiting: 1 }),
    model('delt-70b', 'Delt 70B', { engine: 'openai', state: 'ready', since: minutes(600), asked_per_hour: 20 }),
  ];
  for (let at = 0; at < more; at++) models.push(model(`afdeling/model-${String(at).padStart(4, '0')}`, `Fagmodel ${at}`, { bytes: 4.2 * gb, load_s: 6 }));
  // What operators added while it ran; the others stand in the configuration file.
  const added = new Map([['phi-4-14b', { version: 2, definition: { id: 'phi-4-14b', name: 'Phi 4 14B', engine: 'llama', file: '/srv/modeller/phi-4-14b-q4_k_m.gguf', concurrency: 4, context_tokens: 8192 } }]]);
  const versions = new Map([['phi-4-14b', 2]]);
  const left_out = [{ id: 'munin-7b', definition: { id: 'munin-7b', name: 'Munin 7B', engine: 'vllm', folder: '/srv/modeller/munin-7b' }, why: "'standard' is an alias of another model", why_da: 'Et af de andre navne bruges allerede.' }];
  const fit_of = (definition) => {
    const weights = 9.1 * gb, kv_cache = (definition.concurrency ?? 1) * (definition.context_tokens ?? 4096) * 160_000, working = 0.6 * gb, memory = 80 * gb;
    const bytes = weights + kv_cache + working;
    return { fits: bytes <= memory, why_not: bytes <= memory ? null : `it needs ${Math.ceil(bytes / 1e8) / 10} GB of memory, and there are ${memory / 1e9} GB for models`, bytes, weights, kv_cache, working, memory, pinned: 0 };
  };
  const file_bytes = 9.1 * gb, fetch_ms = 20_000;
  const sha256_of = (definition) => definition.sha256 ?? 'a1'.repeat(32);
  const offer_of = (definition) => (definition.source ? { here: false, bytes: file_bytes, sha256: sha256_of(definition), why_no_room: null } : null);
  function download_of(one) {
    const definition = added.get(one.id)?.definition;
    if (!definition?.source) return null;
    const { bytes, left_s } = one.fetching ?? { bytes: file_bytes, left_s: null };
    return { state: one.fetching ? 'fetching' : 'here', source: definition.source, sha256: sha256_of(definition), file: `/var/lib/faelled/models/${sha256_of(definition)}-model.gguf`, bytes, total: file_bytes, bytes_per_s: one.fetching ? file_bytes / (fetch_ms / 1000) : 0, left_s, again_in_s: null, detail: null, kept: 0, kept_in: null };
  }
  const events = [];
  const happen = (what, one, cause, more = {}) => events.unshift({ number: events.length + 1, at: iso(more.ms ?? Date.now()), what, cause, model: one.id, other: one.other, node: one.node ?? 'fælled-1', device: one.device ?? 'gpu0', bytes: one.bytes, took_s: more.took_s ?? null, sleep_level: ['sleep', 'asleep', 'wake'].includes(what) ? one.sleep_level : null, detail: more.detail ?? null });
  const by_id = (id) => models.find((each) => each.id === id);
  for (let at = 0; at < 20; at++) {
    const one = by_id(at % 2 ? 'llama-3.3-70b' : 'mistral-small-24b');
    const ms = minutes(500 - at * 20);
    happen('load', { ...one, other: null }, 'asked', { ms });
    happen('ready', { ...one, other: null }, 'asked', { ms: ms + one.load_s * 1000, took_s: one.load_s });
    if (at % 2) happen('gone', { ...one, other: null }, 'unused', { ms: ms + 900_000, took_s: 0.6 });
  }
  happen('pin', by_id('qwen3-32b'), 'ordered', { ms: minutes(90) });
  happen('failed', { ...by_id('bge-m3'), device: 'gpu1' }, 'broken', { ms: minutes(7), detail: by_id('bge-m3').detail });
  happen('load', by_id('viking-33b'), 'asked', { ms: start - 6_000 });
  happen('drain', by_id('mistral-small-24b'), 'line_empty', { ms: start - 2_000 });

  function step() {
    const now = Date.now();
    for (const one of models) {
      if (one.fetching) {
        const part = Math.min(1, (now - one.since) / fetch_ms);
        Object.assign(one, part < 1 ? { fetching: { bytes: Math.floor(part * file_bytes), total: file_bytes, left_s: ((1 - part) * fetch_ms) / 1000 } } : { state: 'absent', fetching: null, since: now });
      }
      if ((one.state === 'starting' || one.state === 'waking') && one.ready_at !== null && one.ready_at <= now) {
        Object.assign(one, { state: 'ready', backing: null, backed: 0, sleep_level: null, since: one.ready_at, ready_at: null, ready_in_s: null });
        happen('ready', one, one.cause, { took_s: load_ms / 1000 });
      }
    }
  }
  const shown = ({ since, ready_at, ...one }) => ({ ...one, in_state_s: Math.max(0, (Date.now() - since) / 1000), ready_in_s: one.ready_in_s ?? (ready_at === null ? null : Math.max(0, (ready_at - Date.now()) / 1000)) });
  const takes = (one) => ['ready', 'starting', 'draining', 'asleep', 'waking'].includes(one.state);
  const size_of = (one) => one.taken || one.bytes;
  function device_now(device) {
    const there = models.filter((one) => one.device === device.device);
    const coming = there.find((one) => there.some((goes) => goes.state === 'draining' && goes.other === one.id));
    const weights = models.filter((one) => one.backing === device.device).reduce((sum, one) => sum + one.backed, 0);
    const taken = weights + there.filter((one) => takes(one) && one !== coming).reduce((sum, one) => sum + size_of(one), 0);
    return { ...device, taken, reserved: coming?.bytes ?? 0 };
  }

  function order(one, act) {
    const now = Date.now();
    if (act === 'load') {
      if (['ready', 'starting'].includes(one.state)) return;
      const back = one.state === 'draining';
      Object.assign(one, { node: 'fælled-1', device: one.device ?? 'gpu1', state: back ? 'ready' : 'starting', cause: 'ordered', other: null, since: now, detail: null, ready_at: back ? null : now + load_ms, ready_in_s: null });
      happen(back ? 'ready' : 'load', one, 'ordered');
    } else if (act === 'unload') {
      if (!takes(one)) return;
      Object.assign(one, { state: 'absent', taken: 0, backing: null, backed: 0, sleep_level: null, cause: 'ordered', other: null, since: now, running: 0, ready_at: null, ready_in_s: null });
      happen('unload', one, 'ordered');
      happen('gone', one, 'ordered', { took_s: 0.4 });
    } else if (act === 'sleep') {
      Object.assign(one, { state: 'asleep', cause: 'ordered', other: null, since: now, taken: 1.5 * gb, backing: 'host', backed: one.bytes * 0.75, sleep_level: 1, running: 0 });
      happen('sleep', one, 'ordered');
      happen('asleep', one, 'ordered', { took_s: 1.1 });
    } else if (act === 'wake') {
      Object.assign(one, { state: 'waking', cause: 'ordered', other: null, since: now, taken: one.bytes, ready_at: now + one.wake_s * 1000, ready_in_s: null });
      happen('wake', one, 'ordered');
    } else {
      one.pinned = act === 'pin';
      happen(act, one, 'ordered');
    }
  }

  function catalogue(session, method, url, body, { send, refuse }) {
    const path = url.pathname;
    const id = path === '/api/catalogue' ? body?.definition?.id : decodeURIComponent(path.slice('/api/catalogue/'.length));
    if (method === 'GET') {
      const entry = (one) => ({ id: one.id, version: added.get(one.id)?.version ?? 0, origin: added.has(one.id) ? 'added' : 'file', definition: added.get(one.id)?.definition ?? null, download: download_of(one) });
      if (path !== '/api/catalogue') return by_id(id) ? send(200, entry(by_id(id))) : refuse(404, 'not_found', 'Det findes ikke.', 'There is no such model.');
      const page = model_page(models.filter((one) => one.engine !== null), url);
      return send(200, { ...page, models: page.models.map(entry), left_out: url.searchParams.get('after') ? [] : left_out, left_out_total: left_out.length });
    }
    if (path.endsWith('/fetch')) return refuse(409, 'conflict', 'Modellen har ingen kilde; dens fil hentes ikke.', 'It has no source.');
    const before = added.get(id);
    const left = left_out.findIndex((each) => each.id === id);
    if (left >= 0 && method === 'DELETE') {
      left_out.splice(left, 1);
      return send(204, null);
    }
    if (method !== 'POST' && !before) return refuse(by_id(id) ? 409 : 404, 'conflict', 'Modellen står i konfigurationsfilen. Ret den dér, og genstart.', `The model '${id}' stands in the configuration file.`);
    if (method === 'DELETE') {
      added.delete(id);
      models.splice(models.indexOf(by_id(id)), 1);
      versions.set(id, before.version + 1);
      note(session, 'model.remove', 'model', id, null, before.definition, null);
      return send(204, null);
    }
    const { definition, dry_run, version } = body;
    if (method === 'POST' && by_id(id)) return refuse(409, 'conflict', `Der er allerede en model, der hedder '${id}'.`, `There is a model '${id}' already.`, 'definition.id');
    if (method === 'PUT' && version !== undefined && version !== before.version) return refuse(409, 'conflict', 'En anden har ændret modellen imens. Se den, og prøv igen.', 'Somebody has changed it meanwhile.', 'version');
    if (definition.engine === 'llama' && !(definition.source ?? definition.file)?.endsWith('.gguf')) return refuse(400, 'invalid_value', 'Filen kan ikke bruges som model. Findes den, og er den hel?', `model file ${definition.file}: No such file or directory`, 'definition.file');
    const fit = fit_of(definition);
    if (dry_run) return send(200, { id, version: before?.version ?? null, fit, offer: offer_of(definition) });
    if (!fit.fits) return refuse(409, 'conflict', `Den passer ikke: Den skal bruge ${Math.round(fit.bytes / gb)} GB, og der er 80 GB til modeller.`, `It does not fit: ${fit.why_not}.`, 'definition.context_tokens');
    const next = (versions.get(id) ?? 0) + 1;
    versions.set(id, next);
    if (left >= 0) left_out.splice(left, 1);
    added.set(id, { version: next, definition });
    if (!before) models.push(model(id, definition.name ?? id, { since: Date.now() }));
    Object.assign(by_id(id), { name: definition.name ?? id, bytes: fit.bytes, pinned: definition.pinned ?? false });
    if (definition.source) Object.assign(by_id(id), { state: 'fetching', since: Date.now(), fetching: { bytes: 0, total: file_bytes, left_s: null } });
    note(session, before ? 'model.change' : 'model.add', 'model', id, null, before?.definition ?? null, definition);
    return send(before ? 200 : 201, { id, version: next, fit, offer: offer_of(definition) });
  }

  const aliases = new Map();
  function moving(session, method, path, body, { send, refuse }) {
    if (path === '/api/aliases') return send(200, { aliases: [...aliases.values()], left_out: [] });
    const [name, back] = path.slice('/api/aliases/'.length).split('/').map(decodeURIComponent);
    const before = aliases.get(name);
    if ((method !== 'PUT' && !before) || (method === 'PUT' && !by_id(body.model))) return refuse(404, 'not_found', 'Det findes ikke.', 'There is no such alias that can be moved.');
    note(session, back ? 'alias.rollback' : method === 'PUT' ? 'alias.move' : 'alias.remove', 'alias', name, null);
    if (method === 'DELETE') {
      aliases.delete(name);
      return send(204, null);
    }
    if (before && body.version !== before.version) return refuse(409, 'conflict', 'En anden har flyttet navnet imens. Se det, og prøv igen.', 'Somebody has moved it meanwhile.', 'version');
    const target = back ? before.previous : body.model;
    const now = { name, version: (before?.version ?? 0) + 1, model: target, moving_to: null, previous: before?.model ?? null, owner: body.owner ?? before?.owner ?? null, detail: null, lane: 'interactive', listed: true };
    aliases.set(name, now);
    return send(before ? 200 : 201, now);
  }

  /** Answers, or false: it is not ours. */
  return function residency(session, method, url, body, { send, refuse, send_text }) {
    const path = url.pathname;
    const ordered = /^\/api\/models\/([^/]+)\/residency$/.exec(path);
    const of_catalogue = path === '/api/catalogue' || path.startsWith('/api/catalogue/');
    const of_aliases = path === '/api/aliases' || path.startsWith('/api/aliases/');
    if (!path.startsWith('/api/residency') && !ordered && !of_catalogue && !of_aliases) return false;
    if (session.role !== 'operator') return refuse(403, 'forbidden', 'Det har du ikke adgang til.', 'This is not for your role.');
    step();
    if (of_aliases) return moving(session, method, path, body, { send, refuse });
    if (of_catalogue) return catalogue(session, method, url, body, { send, refuse });
    if (ordered && method === 'POST') {
      const one = by_id(decodeURIComponent(ordered[1]));
      if (!one) return refuse(404, 'not_found', 'Det findes ikke.', 'There is no such model.');
      if (!one.fits && body.act !== 'unpin') return refuse(409, 'conflict', 'Ingen hukommelse her er stor nok til denne model.', 'No memory here is large enough for this model.');
      order(one, body.act);
      note(session, `model.${body.act}`, 'model', one.id, null);
      return send(200, shown(one));
    }
    if (path === '/api/residency/events') {
      if (url.searchParams.get('format')) return send_text('number,at,what,cause,model\r\n');
      const before = Number(url.searchParams.get('before') ?? 0);
      const limit = Number(url.searchParams.get('limit') ?? 50);
      const all = events.filter((each) => before === 0 || each.number < before);
      return send(200, { events: all.slice(0, limit), next: all.length > limit ? String(all[limit - 1].number) : null });
    }
    const state = url.searchParams.get('state');
    const is_asked_for = (one) => !state || one.state === state || (state === 'failed' && !one.fits) || (state === 'in_use' && (one.state !== 'absent' || one.waiting > 0));
    const page = { ...model_page(models.filter(is_asked_for), url), total: models.length };
    return send(200, { at: iso(Date.now()), devices: devices.map(device_now), ...page, models: page.models.map(shown), wait_at_most_s: 120, modelled_energy: { idle_wh: 31.25, load_wh: 4.5 } });
  };
}
