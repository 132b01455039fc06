// The mock's members, people, keys, policy, usage, audit, status and maintenance: the control API's answers for the
// pages beside the chat, with made-up people.
import { randomBytes } from 'node:crypto';
import { mock_agreements } from './agreements.mjs';
import { mock_commons } from './commons.mjs';
import { mock_residency, model_page } from './residency.mjs';

const day_ms = 86_400_000;
const first_names = ['Agnes', 'Birk', 'Clara', 'Ditlev', 'Ellen', 'Finn', 'Gerda', 'Holger', 'Ingrid', 'Jeppe', 'Karen', 'Ludvig', 'Maja', 'Niels', 'Olga', 'Poul', 'Rikke', 'Sofus', 'Thyra', 'Uffe', 'Viggo', 'Ærø', 'Åse'];
const last_names = ['Ager', 'Bæk', 'Dam', 'Eng', 'Fjord', 'Grøft', 'Hede', 'Kær', 'Lund', 'Mark', 'Næs', 'Skov', 'Toft', 'Vang', 'Ø'];

const iso = (ms) => new Date(ms).toISOString().replace('Z', '000Z');

export const roles_of_tokens = { dev: 'member_admin', once: 'member_admin', browser: 'user', user: 'user', builder: 'builder', admin: 'member_admin', auditor: 'auditor', operator: 'operator' };

/** `people_count`: how many the member has. */
export function mock_people({ models, people_count = 240, more_models = 0 }) {
  let ids = 0;
  const id = (kind) => `${kind}_${(++ids).toString().padStart(6, '0')}`;
  const start = Date.now();
  const member = { id: 'mem_1', name: 'Prøvekommunen', contact: 'Digitalisering, lokal 4711\ndigital@proeve.example' };
  const policy = { models: null, retention_days: 90, conversations: 'server', key_days_max: 365, key_makers: 'all', contact: member.contact };
  const users = Object.entries(roles_of_tokens)
    .filter(([token]) => !['dev', 'once', 'browser'].includes(token))
    .map(([token, role]) => ({ id: `usr_${token}`, name: { user: 'Ellen Eng', builder: 'Birk Bæk', admin: 'Prøvebruger', auditor: 'Rikke Revisor', operator: 'Olga Operatør' }[token], member: member.id, role, email: `${token}@proeve.example`, front_end: null, external_id: null, created_at: iso(start - 200 * day_ms), disabled_at: null, last_seen_at: iso(start - 3_600_000) }));
  for (let at = 0; users.length < people_count; at++) {
    const name = `${first_names[at % first_names.length]} ${last_names[(at * 7) % last_names.length]}`;
    users.push({ id: id('usr'), name, member: member.id, role: at % 17 === 0 ? 'builder' : 'user', email: at % 3 ? `${at}@proeve.example` : null, front_end: null, external_id: null, created_at: iso(start - (at + 1) * day_ms), disabled_at: at % 29 === 5 ? iso(start - day_ms) : null, last_seen_at: at % 4 ? iso(start - at * 3_600_000) : null });
  }
  const key = (more) => ({ id: id('key'), member: member.id, user: null, created_at: iso(start - 60 * day_ms), expires_at: null, revoked_at: null, last_used_at: null, models: null, show_waiting: 'off', front_end: null, origin: 'person', rotated_from: null, replaced_by: null, ...more });
  const keys = [
    key({ name: 'Journalsystemet', last_used_at: iso(start - 120_000) }),
    key({ name: 'Borgerservice, talegenkendelse', expires_at: iso(start + 9 * day_ms), last_used_at: iso(start - 5 * day_ms), models: [models[0].id] }),
    key({ name: 'Bibliotekets søgning', expires_at: iso(start + 200 * day_ms) }),
    key({ name: 'Referater', user: 'usr_builder', expires_at: iso(start + 60 * day_ms), last_used_at: iso(start - 40 * 60_000) }),
  ];
  const others = [{ id: 'mem_2', name: 'Øvekommunen' }, { id: 'mem_3', name: 'Forsøgskommunen' }];
  const agreements = mock_agreements({ members: [member, others[0]] });
  const commons = mock_commons({ members: [member, ...others] });
  const audit = [];
  const settings = { maintenance: { on: false, message: null, message_da: null, until: null }, notices: [] };

  function note(session, action, object_kind, object, object_name, before = null, after = null, outcome = 'done') {
    audit.unshift({ id: id('aud'), at: iso(Date.now()), actor_kind: 'user', actor: session.user.id, actor_member: member.id, actor_name: session.user.name, peer: '127.0.0.1', action, object_kind, object, object_member: member.id, object_name, outcome, before, after, request_id: `req_${randomBytes(8).toString('hex')}`, times: 1 });
  }
  const residency = mock_residency({ note, more: more_models });
  for (let at = 0; at < 130; at++) {
    const who = users[at % 5];
    audit.push({ id: id('aud'), at: iso(start - at * 2_700_000), actor_kind: 'user', actor: who.id, actor_member: member.id, actor_name: who.name, peer: '10.0.0.7', action: ['user.create', 'key.create', 'user.update', 'key.revoke', 'member.update', 'user.sign_in_link'][at % 6], object_kind: ['user', 'key', 'user', 'key', 'member', 'user'][at % 6], object: users[at].id, object_member: member.id, object_name: users[at].name, outcome: at % 11 === 3 ? 'refused' : 'done', before: at % 6 === 2 ? { role: 'user' } : null, after: at % 6 === 2 ? { role: 'builder' } : null, request_id: `req_${at}`, times: 1 });
  }

  // A working day's shape, the same each time, so that pictures do not change.
  function usage_rows(from, to, caller, model) {
    const rows = [];
    const wave = (at) => Math.abs(Math.sin(at * 12.9898) * 43758.5453) % 1;
    for (let hour = Math.floor(from / 3_600_000); hour * 3_600_000 < to; hour++) {
      const time = new Date(hour * 3_600_000);
      if (time.getUTCHours() < 7 || time.getUTCHours() > 15 || time.getTime() > Date.now()) continue;
      const count = [0, 6].includes(time.getUTCDay()) ? 0 : Math.floor(wave(hour) * 5);
      for (let at = 0; at < count; at++) {
        const which = models[(hour + at) % models.length].id;
        if (model && model !== which) continue;
        const input = 40 + Math.floor(wave(hour + at) * 900);
        rows.push({ request_id: `req_${hour}_${at}`, member: member.id, caller, key: at % 3 === 2 ? keys[3].id : null, user: caller, model: which, started_at: iso(hour * 3_600_000 + at * 600_000), input_tokens: input, cached_tokens: 0, output_tokens: Math.floor(input / 2), queue_us: at === 3 ? 4_200_000 : 0, load_us: 0, engine_us: input * 9_000, total_us: input * 9_100, outcome: at === 4 ? 'cancelled' : hour % 23 === 0 ? 'failed' : 'done', cause: null });
      }
    }
    return rows;
  }

  const page_of = (rows, after, limit) => {
    const from = after ? rows.findIndex((each) => each.id === after) + 1 : 0;
    const page = rows.slice(from, from + limit);
    return { rows: page, next: rows.length > from + limit ? page.at(-1).id : null, total: rows.length };
  };

  const may = (session, ...roles) => roles.includes(session.role);

  /** Answers and gives true where the address is one of these. `session` is null for somebody who is not signed in. */
  return {
    policy,
    member,
    settings,
    user_of: (token) => users.find((each) => each.id === `usr_${{ dev: 'admin', once: 'admin', browser: 'user' }[token] ?? token}`),
    handle(session, method, url, body, { send, refuse, send_text }) {
      const path = url.pathname;
      const query = (name) => url.searchParams.get(name) ?? '';
      const limit = Number(query('limit') || 100);
      const [, , kind, which, more] = path.split('/');
      const forbidden = () => refuse(403, 'forbidden', 'Det har du ikke adgang til.', 'This is not for your role.');
      const missing = () => refuse(404, 'not_found', 'Det findes ikke.', 'There is no such thing.');

      if (path === '/api/status') {
        if (query('format') === 'text') return send_text('Fælled\n\nAlt virker.\n');
        const now = Date.now();
        const page = model_page(models, url, (rows) => rows);
        return send(200, {
          state: settings.maintenance.on ? 'maintenance' : 'up',
          at: iso(now),
          running: 3,
          waiting: 2,
          models: page.models.map(({ id, name, state, ready_in_s }) => ({ id, name, state, ready_in_s })),
          next: page.next,
          maintenance: settings.maintenance,
          notices: settings.notices.filter((each) => Date.parse(each.from) <= now && (!each.until || Date.parse(each.until) + (each.kind === 'incident' ? 7 * day_ms : 0) > now)),
        });
      }
      if (!session) return false;
      const promised = agreements(session, method, url, body, { send, refuse });
      if (promised !== false) return promised;
      const stood = commons(session, method, url, body, { send, refuse });
      if (stood !== false) return stood;
      const lying = residency(session, method, url, body, { send, refuse, send_text });
      if (lying !== false) return lying;
      if (path === '/api/usage') {
        const from = Date.parse(query('from')) || start - 30 * day_ms;
        const to = Date.parse(query('to')) || Date.now();
        const rows = usage_rows(from, to, session.user.id, query('model'));
        if (query('format')) return send_text('hour,member,caller,model,requests\r\n');
        if (query('rows') === 'true') {
          const at = query('after') ? rows.findIndex((each) => each.request_id === query('after')) + 1 : 0;
          const page = rows.slice(at, at + limit);
          return send(200, { rows: page, next: rows.length > at + limit ? page.at(-1).request_id : null });
        }
        const sums = new Map();
        for (const row of rows) {
          const hour = `${row.started_at.slice(0, 13)}:00:00.000000Z`;
          const name = `${hour} ${row.model}`;
          const sum = sums.get(name) ?? { member: member.id, caller: row.caller, caller_name: session.user.name, model: row.model, requests: 0, input_tokens: 0, cached_tokens: 0, output_tokens: 0, hour };
          sum.requests++;
          sum.input_tokens += row.input_tokens;
          sum.output_tokens += row.output_tokens;
          sums.set(name, sum);
        }
        return send(200, { usage: [...sums.values()] });
      }
      if (path === `/api/members/${member.id}/policy`) {
        if (method === 'GET') return send(200, policy);
        if (!may(session, 'member_admin', 'operator')) return forbidden();
        const before = { ...policy };
        Object.assign(policy, body);
        member.contact = policy.contact;
        note(session, 'member.update', 'member', member.id, member.name, before, { ...policy });
        return send(200, policy);
      }
      if (path === '/api/members') return may(session, 'operator') ? send(200, { members: [member, ...others].map(({ id, name }) => ({ id, name, created_at: iso(start) })) }) : forbidden();
      if (path === `/api/members/${member.id}/users`) {
        if (!may(session, 'member_admin', 'operator')) return forbidden();
        if (method === 'GET') {
          const wanted = query('q').toLowerCase();
          const found = users
            .filter((each) => (!query('role') || each.role === query('role')) && (!query('disabled') || (each.disabled_at !== null) === (query('disabled') === 'true')) && (!wanted || `${each.name} ${each.email ?? ''}`.toLowerCase().includes(wanted)))
            .sort((a, b) => a.name.localeCompare(b.name, 'da'));
          const page = page_of(found, query('after'), limit);
          return send(200, { users: page.rows, next: page.next, total: page.total });
        }
        if (body.email && users.some((each) => each.email === body.email)) return refuse(409, 'conflict', 'Noget er ændret i mellemtiden.', 'This email is taken.');
        const made = { id: id('usr'), name: body.name, member: member.id, role: body.role ?? 'user', email: body.email ?? null, front_end: null, external_id: null, created_at: iso(Date.now()), disabled_at: null, last_seen_at: null };
        users.push(made);
        note(session, 'user.create', 'user', made.id, made.name, null, { name: made.name, role: made.role });
        return send(201, made);
      }
      if (kind === 'users' && method === 'PATCH') {
        if (!may(session, 'member_admin', 'operator')) return forbidden();
        const user = users.find((each) => each.id === which);
        if (!user) return missing();
        if (user.id === session.user.id && (body.disabled || (body.role && body.role !== user.role))) return refuse(403, 'forbidden', 'Det har du ikke adgang til.', 'You cannot take your own role away.');
        const before = { role: user.role, disabled: user.disabled_at !== null };
        if (body.name !== undefined) user.name = body.name;
        if (body.email !== undefined) user.email = body.email;
        if (body.role !== undefined) user.role = body.role;
        if (body.disabled !== undefined) user.disabled_at = body.disabled ? iso(Date.now()) : null;
        note(session, 'user.update', 'user', user.id, user.name, before, { role: user.role, disabled: user.disabled_at !== null });
        return send(200, user);
      }
      if (path === '/api/sign-in-links') {
        if (!may(session, 'member_admin', 'operator')) return forbidden();
        const user = users.find((each) => each.id === body.user);
        if (!user) return missing();
        note(session, 'user.sign_in_link', 'user', user.id, user.name);
        return send(201, { url: `${url.origin}/sign-in#${randomBytes(12).toString('hex')}`, expires_at: iso(Date.now() + 900_000) });
      }
      if (kind === 'keys') {
        if (may(session, 'auditor')) return forbidden();
        if (!which && method === 'GET') {
          const wanted = query('q').toLowerCase();
          const found = keys
            .filter((each) => (may(session, 'member_admin', 'operator') || each.user === session.user.id || (may(session, 'builder') && !each.user)) && (!query('user') || each.user === (query('user') === 'me' ? session.user.id : query('user'))) && (!query('of') || (each.user === null) === (query('of') === 'systems')) && (!wanted || each.name.toLowerCase().includes(wanted)))
            .sort((a, b) => b.created_at.localeCompare(a.created_at));
          const page = page_of(found, query('after'), limit);
          return send(200, { keys: page.rows, next: page.next, total: page.total });
        }
        const secret = `sk-faelled-${randomBytes(18).toString('base64url')}`;
        if (!which) {
          const made = key({ name: body.name, user: body.system ? null : (body.user ?? session.user.id), created_at: iso(Date.now()), expires_at: body.expires_at ?? null, models: body.models ?? null });
          keys.push(made);
          note(session, 'key.create', 'key', made.id, made.name, null, { name: made.name });
          return send(201, { ...made, secret });
        }
        const found = keys.find((each) => each.id === which);
        if (!found) return missing();
        if (more === 'rotate') {
          const made = key({ ...found, id: id('key'), created_at: iso(Date.now()), last_used_at: null, rotated_from: found.id, replaced_by: null });
          found.replaced_by = made.id;
          found.expires_at = body.old_works_until ?? iso(Date.now() + 7 * day_ms);
          keys.push(made);
          note(session, 'key.rotate', 'key', found.id, found.name);
          return send(201, { ...made, secret });
        }
        if (method === 'DELETE') {
          found.revoked_at = iso(Date.now());
          note(session, 'key.revoke', 'key', found.id, found.name);
          return send(204, null);
        }
      }
      if (path === '/api/audit') {
        if (!may(session, 'member_admin', 'auditor', 'operator')) return forbidden();
        if (query('format') && query('format') !== 'json') return send_text('id,at\r\n');
        const found = audit.filter((each) => (!query('action') || each.action === query('action')) && (!query('actor') || each.actor === query('actor')) && (!query('object') || each.object === query('object')) && (!query('from') || each.at >= query('from')) && (!query('to') || each.at < query('to')));
        const page = page_of(found, query('before'), limit);
        return send(200, { rows: page.rows, next: page.next });
      }
      if (kind === 'maintenance' || kind === 'notices' || kind === 'engine-log') {
        if (!may(session, 'operator')) return forbidden();
        if (kind === 'engine-log') return send(200, { model: query('model'), further: [{ device: 'gpu1', text: '-- engine starts\n-- engine is ready\n' }], text: '-- engine starts\nload_tensors: offloaded 0/19 layers to GPU\n-- engine is ready\n-- 42 lines while it served are not kept\n' });
        if (kind === 'maintenance') {
          if (method === 'PATCH') {
            settings.maintenance = body.on ? { on: true, message: body.message ?? body.message_da ?? 'Closed.', message_da: body.message_da ?? body.message ?? 'Lukket.', until: body.until ?? null } : { on: false, message: null, message_da: null, until: null };
            note(session, `maintenance.${body.on ? 'on' : 'off'}`, 'maintenance', 'server', null);
            return send(200, { maintenance: settings.maintenance });
          }
          return send(200, {
            version: '0.2.0-dev',
            serving_since: iso(start - 9 * day_ms - 5 * 3_600_000),
            now: iso(Date.now()),
            data: { folder: '/var/lib/faelled', used_bytes: 734_003_200, free_bytes: 4_100_000_000, total_bytes: 64_000_000_000 },
            last_backup: { at: iso(start - 9 * 3_600_000), bytes: 181_000_000 },
            certificates: [{ name: 'faelled.proeve.example', not_after: iso(start + 17 * day_ms), days_left: 17 }],
            alarms: [
              { id: 'certificate-expiring', severity: 'ticket', about: 'faelled.proeve.example', reading: '17 d', since: iso(start - 4 * day_ms) },
              { id: 'disk-filling', severity: 'ticket', about: null, reading: '4100 MB', since: iso(start - 3_600_000) },
            ],
            maintenance: settings.maintenance,
            notices: settings.notices,
          });
        }
        if (method === 'POST') {
          const made = { id: id('not'), kind: body.kind, message: body.message ?? body.message_da, message_da: body.message_da ?? body.message, from: body.from ?? iso(Date.now()), until: body.until ?? null };
          settings.notices.unshift(made);
          return send(201, made);
        }
        const found = settings.notices.find((each) => each.id === which);
        if (!found) return missing();
        if (method === 'PATCH') return send(200, Object.assign(found, body));
        settings.notices.splice(settings.notices.indexOf(found), 1);
        return send(204, null);
      }
      return false;
    },
  };
}
