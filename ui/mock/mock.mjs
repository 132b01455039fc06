// The control API in memory, for development and tests of the page: the same addresses, bodies and stream of events as
// the server's. Words in a question steer it: "kø" waits in line, "vågn" wakes the model, "fejl" breaks off in the
// middle, "afvis" is refused, "kort" is answered briefly, "grænse" ends at the limit, "langt" fills what the model
// remembers. A link #browser signs in to a member whose conversations stay in the browser.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { mock_people, roles_of_tokens } from './people.mjs';
import { model_page } from './residency.mjs';

export const content_security_policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const long_answer = `## Sådan søger borgeren en byggetilladelse

En byggetilladelse søges altid digitalt gennem **Byg og Miljø**. Her er vejen i korte træk:

1. Borgeren logger ind med MitID og vælger adressen.
2. Systemet spørger om byggeriets *art* og størrelse.
3. Tegninger og fuldmagt lægges ved som PDF.

> Husk: Sagen går først i gang, når gebyret er betalt.

| Byggeri | Tilladelse | Frist i dage |
|:--|:--|--:|
| Carport under 50 m² | Nej | – |
| Tilbygning | Ja | 40 |
| Nyt enfamiliehus | Ja | 40 |
| Etagebyggeri med erhverv i stueetagen | Ja, med partshøring | 55 |

### Brevskabelon

Til svaret kan du bruge denne skabelon:

\`\`\`text
Kære {navn}
Vi har modtaget din ansøgning om byggetilladelse til {adresse}. Du hører fra os inden for 40 dage efter, at sagen er fuldt oplyst.
Venlig hilsen
\`\`\`

Se også [Byg og Miljø](https://www.bygogmiljoe.dk/) og bygningsreglementets \`kapitel 1\`. <script>alert('x')</script>

- [x] Ansøgning modtaget
- [ ] Gebyr betalt
- [ ] Nabohøring sendt

Æbler, øl og åer fylder to bytes hver, og 🐄 på fælleden fylder fire. Skriv gerne, hvis du vil have brevet i et *venligere* eller mere **formelt** sprog.
`;

const models = [
  {
    id: 'gemma-3-270m',
    name: 'Gemma 3 270M',
    base: null,
    state: 'ready',
    detail: null,
    ready_in_s: null,
    context_tokens: 8192,
    places: 1,
    running: 0,
    waiting: 0,
    serves: 'chat',
    embeddings: false,
    card: {
      da: { summary: 'En meget lille sprogmodel fra 2025.', good_for: 'At prøve, om alt virker', where: 'På jeres egen server' },
      en: { summary: 'A very small language model from 2025.', good_for: 'Trying whether everything works', where: 'On your own server' },
    },
    demo: true,
  },
  {
    id: 'mistral-small-24b',
    name: 'Mistral Small 24B',
    base: null,
    state: 'absent',
    detail: null,
    ready_in_s: 12,
    context_tokens: 16384,
    places: 2,
    running: 0,
    waiting: 0,
    serves: 'chat',
    embeddings: false,
    card: {
      da: { summary: 'En mellemstor model, der skriver godt dansk.', good_for: 'Breve, referater og klart sprog', where: 'På fælledens maskiner i Danmark' },
      en: { summary: 'A medium model that writes Danish well.', good_for: 'Letters, minutes and plain language', where: 'On the machines of the commons in Denmark' },
    },
    demo: false,
  },
];

/** `piece_ms` is the pause between two pieces of an answer. `one_model` leaves the second one out. `more_models`: so many further ones. */
export function mock_api({ piece_ms = 25, one_model = false, more_models = 0 } = {}) {
  const tokens = new Set(Object.keys(roles_of_tokens)); // all but 'once' work again and again
  const offered = [...models.slice(0, one_model ? 1 : 2), ...Array.from({ length: more_models }, (_, at) => ({ ...models[1], id: `afdeling/model-${String(at).padStart(4, '0')}`, name: `Fagmodel ${at}` }))];
  const people = mock_people({ models: offered, more_models });
  const sessions = new Map(); // who, by secret
  const conversations = new Map();
  const undo_ms = 10 * 60_000;
  const turns = new Map();
  let ids = 0;
  const id = (kind) => `${kind}_${(++ids).toString().padStart(6, '0')}`;
  const now = () => new Date().toISOString().replace('Z', '000Z');
  const session_body = (secret) => ({
    user: { id: sessions.get(secret).id, name: sessions.get(secret).name },
    member: people.member,
    role: sessions.get(secret).role,
    expires_at: now(),
    policy: { models: null, retention_days: 90, conversations: secret.startsWith('browser') ? 'browser' : 'server', key_days_max: null, key_makers: 'all' },
  });

  function message(role, content, state, model, parent) {
    return { id: id('msg'), parent, limit: null, usage: null, rating: null, rating_reason: null, role, content, created_at: now(), model, state, error: null, request_id: role === 'assistant' ? `req_${randomBytes(8).toString('hex')}` : null };
  }

  function brief(conversation) {
    const { messages, turn, deleted_at, ...rest } = conversation;
    return { ...rest, running: turn !== null };
  }

  function push(turn, name, data) {
    for (const watcher of turn.watchers) watcher(name, data);
  }

  function finish(turn, state, error = null) {
    if (turn.ended) return;
    const long = /langt/i.test(turn.question);
    const limit = state === 'done' && /grænse/i.test(turn.question) && !turn.further ? 'tokens' : null;
    const usage = { input_tokens: long ? 6900 : 12, output_tokens: 34 };
    Object.assign(turn.answer, { state, error, limit, usage });
    if (turn.conversation) turn.conversation.turn = null;
    turn.ended = { state, error, request_id: turn.answer.request_id, limit, usage };
    push(turn, 'end', turn.ended);
    turn.watchers.clear();
  }

  async function run(turn, question) {
    const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    if (/kø/i.test(question)) {
      for (const position of [3, 2, 1]) {
        if (turn.ended) return;
        turn.waiting = { reason: 'queue', position, ready_in_s: null, at_most_s: 120 };
        push(turn, 'waiting', turn.waiting);
        await pause(piece_ms * 40);
      }
    }
    if (/vågn/i.test(question)) {
      turn.waiting = { reason: 'starting', position: 3, ready_in_s: (piece_ms * 160) / 1000, at_most_s: 120 };
      push(turn, 'waiting', turn.waiting);
      await pause(piece_ms * 160);
    }
    turn.waiting = null;
    const brief_answer = turn.further ? ' Og her er resten.' : /resumé/i.test(question) ? 'I har talt om en byggetilladelse.' : `Ja. Det kan du roligt gøre.${turn.nth > 1 ? ` (Bud nr. ${turn.nth})` : ''}`;
    const text = /kort|resumé|grænse|langt/i.test(question) || turn.further ? brief_answer : long_answer;
    const pieces = text.match(/\s*\S{1,6}/gu) ?? [];
    for (const [index, piece] of pieces.entries()) {
      if (turn.ended) return;
      if (/fejl/i.test(question) && index === 30) {
        return finish(turn, 'failed', { message: 'The model stopped in the middle of the answer.', message_da: 'Modellen gik i stå midt i svaret. Det, der nåede frem, er gemt.' });
      }
      turn.answer.content += piece;
      push(turn, 'delta', { text: piece });
      await pause(piece_ms);
    }
    finish(turn, 'done');
  }

  function refuse(response, status, code, da, en, param = null) {
    response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': `req_${randomBytes(8).toString('hex')}` });
    response.end(JSON.stringify({ error: { message: en, type: 'invalid_request_error', param, code, message_da: da } }));
  }

  function send(response, status, body, headers = {}) {
    response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', 'x-request-id': `req_${randomBytes(8).toString('hex')}`, ...headers });
    response.end(body === null ? undefined : JSON.stringify(body));
  }

  function stream(request, response, turn, after) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    let sent = after;
    const write = (name, data) => {
      if (name === 'delta') sent += Buffer.byteLength(data.text);
      response.write(`id: ${sent}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
      if (name === 'end') response.end();
    };
    const had = Buffer.from(turn.answer.content).subarray(after).toString();
    if (turn.waiting) write('waiting', turn.waiting);
    if (had) write('delta', { text: had });
    if (turn.ended) return write('end', turn.ended);
    turn.watchers.add(write);
    request.on('close', () => turn.watchers.delete(write));
  }

  return async function handle(request, response) {
    const url = new URL(request.url, `http://${request.headers.host ?? 'mock'}`);
    const path = url.pathname;
    const method = request.method;
    let body = {};
    const parts = [];
    for await (const part of request) parts.push(part);
    if (parts.length) body = JSON.parse(Buffer.concat(parts).toString());
    if (method !== 'GET' && request.headers['content-type'] !== 'application/json') {
      return refuse(response, 400, 'content_type', 'Forkert indholdstype.', 'Content-Type must be application/json.');
    }

    const cookie = /faelled_session=(\w+)/.exec(request.headers.cookie ?? '')?.[1];
    if (path === '/api/session' && method === 'POST') {
      if (!tokens.has(body.token)) return refuse(response, 401, 'sign_in_link_used', 'Linket er brugt før eller udløbet.', 'The link has been used or has expired.');
      if (body.token === 'once') tokens.delete(body.token);
      const secret = `${body.token}${randomBytes(16).toString('hex')}`;
      sessions.set(secret, people.user_of(body.token));
      return send(response, 200, session_body(secret), { 'set-cookie': `faelled_session=${secret}; HttpOnly; SameSite=Strict; Path=/` });
    }
    const who = sessions.get(cookie);
    const send_text = (text) => response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
    const answers = { send: (status, json) => send(response, status, json), refuse: (...words) => refuse(response, ...words), send_text };
    if (people.handle(who ? { user: who, role: who.role } : null, method, url, body, answers) !== false) return;
    if (!who) return refuse(response, 401, 'not_signed_in', 'Du er ikke logget ind.', 'You are not signed in.');
    if (path === '/api/session' && method === 'GET') return send(response, 200, session_body(cookie));
    if (path === '/api/session' && method === 'DELETE') {
      sessions.delete(cookie);
      return send(response, 204, null);
    }
    if (path === '/api/models') {
      const beyond_policy = url.searchParams.get('beyond_policy') === 'true';
      if (beyond_policy && !['member_admin', 'operator'].includes(who.role)) return refuse(response, 403, 'forbidden', 'Det har du ikke adgang til.', 'This is not for your role.');
      const allowed = offered.filter((one) => beyond_policy || who.role === 'operator' || (people.policy.models?.includes(one.id) ?? true));
      const { models: found, next } = model_page(allowed, url, (rows) => rows);
      return send(response, 200, { models: found, next });
    }
    const live = () => [...conversations.values()].filter((each) => !each.deleted_at).sort((x, y) => y.updated_at.localeCompare(x.updated_at));
    const until = (time) => new Date(Date.parse(time) + undo_ms).toISOString();
    if (path === '/api/conversations' && method === 'GET') {
      const all = live().map(brief);
      const from = url.searchParams.get('before') ? all.findIndex((each) => each.id === url.searchParams.get('before')) + 1 : 0;
      const limit = Number(url.searchParams.get('limit') ?? 50);
      return send(response, 200, { conversations: all.slice(from, from + limit), next: all[from + limit] ? all[from + limit - 1].id : null });
    }
    if (path === '/api/conversations' && method === 'POST') {
      const made = { id: id('con'), title: body.title ?? 'Ny samtale', model: body.model, created_at: now(), updated_at: now(), leaf: null, messages: [], turn: null, deleted_at: null };
      for (const old of body.last_of ? (conversations.get(body.last_of)?.messages ?? []).slice(-2) : []) {
        made.messages.push({ ...old, id: id('msg'), parent: made.leaf, usage: null });
        made.leaf = made.messages.at(-1).id;
      }
      conversations.set(made.id, made);
      return send(response, 201, brief(made));
    }
    if (path === '/api/conversations' && method === 'DELETE') {
      const deleted_at = now();
      const gone = live();
      for (const each of gone) each.deleted_at = deleted_at;
      return send(response, 200, { conversations: gone.length, deleted_at, until: until(deleted_at) });
    }
    if (path === '/api/deleted') {
      const all = [...conversations.values()].filter((each) => each.deleted_at);
      return send(response, 200, { deleted: all.reverse().map((each) => ({ id: each.id, title: each.title, deleted_at: each.deleted_at, until: until(each.deleted_at) })) });
    }
    if (path === '/api/deleted/restore') {
      const back = [...conversations.values()].filter((each) => each.deleted_at === body.deleted_at);
      for (const each of back) each.deleted_at = null;
      return send(response, 200, { conversations: back.length });
    }
    if (path === '/api/search') {
      const words = body.words.toLowerCase().split(/\s+/).filter(Boolean);
      const has = (text) => words.length > 0 && words.every((word) => text.toLowerCase().includes(word));
      const found = [];
      for (const each of live()) {
        const hit = has(each.title) ? null : each.messages.find((one) => has(one.content));
        if (hit !== undefined) found.push({ conversation: brief(each), message: hit?.id ?? null, excerpt: (hit?.content ?? each.title).slice(0, 110) });
      }
      return send(response, 200, { found: found.slice(0, 50), complete: found.length <= 50 });
    }
    if (path === '/api/ratings') return send(response, 200, { ratings: [] });
    if (path === '/api/export') {
      const all = live().map((each) => ({ ...brief(each), messages: each.messages.map((one) => ({ written_by_ai: one.role === 'assistant', message: one })) }));
      return send(response, 200, { notice: 'AI', made_at: now(), user: session_body(cookie).user, member: session_body(cookie).member, keys: [], conversations: all, usage: [], events: [] }, { 'content-disposition': 'attachment; filename="faelled-mine-data.json"' });
    }
    if (path === '/api/turns' && method === 'POST') {
      const asked = body.messages.at(-1);
      const answer = message('assistant', body.further ? asked.content : '', 'running', body.model, null);
      const question = body.summary ? 'resumé' : (body.messages.findLast((each) => each.role === 'user')?.content ?? '');
      const turn = { id: id('turn'), conversation: null, answer, question, further: body.further ?? false, nth: 1, waiting: null, ended: null, watchers: new Set() };
      turns.set(turn.id, turn);
      setTimeout(() => void run(turn, question), piece_ms * 8);
      return send(response, 202, { turn: { id: turn.id }, user_message: null, answer: { ...answer } });
    }
    const [, , kind, which, more] = path.split('/');
    const missing = () => refuse(response, 404, 'not_found', 'Det findes ikke.', 'There is no such thing.');
    if (kind === 'conversations') {
      const found = conversations.get(which);
      if (found && more === 'restore') {
        found.deleted_at = null;
        return send(response, 200, brief(found));
      }
      if (!found || found.deleted_at) return missing();
      if (more === 'turns' && method === 'POST') {
        if (found.turn) return refuse(response, 409, 'turn_running', 'Et svar er allerede på vej.', 'An answer is already on its way.');
        if (/afvis/i.test(body.content)) return refuse(response, 429, 'queue_full', 'Køen er fuld lige nu. Prøv igen om et øjeblik.', 'The queue is full. Try again in a moment.');
        const model = body.model ?? found.model;
        if (/alt for stort/i.test(body.content ?? '')) return refuse(response, 400, 'context_length_exceeded', 'Teksten er for lang til modellen.', 'This conversation has become longer than the model can remember.');
        const old = found.messages.find((each) => each.id === (body.again ?? body.further));
        let user_message = null;
        let answer = old;
        if (body.content) {
          user_message = message('user', body.content, 'done', null, body.after === '' ? null : (body.after ?? found.leaf));
          answer = message('assistant', '', 'running', model, user_message.id);
          found.messages.push(user_message, answer);
        } else if (body.again) {
          answer = message('assistant', '', 'running', model, old.parent);
          found.messages.push(answer);
        } else Object.assign(answer, { state: 'running', limit: null, error: null });
        const question = found.messages.find((each) => each.id === answer.parent)?.content ?? '';
        const nth = found.messages.filter((each) => each.parent === answer.parent).length;
        const turn = { id: id('turn'), conversation: found, answer, question, further: Boolean(body.further), nth, waiting: null, ended: null, watchers: new Set() };
        Object.assign(found, { model, leaf: answer.id, updated_at: now(), turn: { id: turn.id, message_id: answer.id } });
        turns.set(turn.id, turn);
        const started = { turn: { id: turn.id }, user_message, answer: { ...answer } };
        setTimeout(() => void run(turn, question), piece_ms * 8);
        return send(response, 202, started);
      }
      if (more === 'ratings') {
        const rated = found.messages.find((each) => each.id === body.message);
        if (!rated) return missing();
        Object.assign(rated, { rating: body.rating ?? null, rating_reason: body.reason ?? null });
        return send(response, 200, rated);
      }
      if (method === 'GET') return send(response, 200, { ...brief(found), messages: found.messages, turn: found.turn });
      if (method === 'PATCH') {
        Object.assign(found, body);
        return send(response, 200, brief(found));
      }
      if (method === 'DELETE') {
        found.deleted_at = now();
        return send(response, 204, null);
      }
    }
    if (kind === 'turns') {
      const turn = turns.get(which);
      if (!turn) return missing();
      if (more === 'events') return stream(request, response, turn, Number(url.searchParams.get('after') ?? 0));
      if (method === 'DELETE') {
        if (turn.ended && !turn.conversation) turns.delete(which);
        else finish(turn, 'stopped');
        return send(response, 204, null);
      }
    }
    return missing();
  };
}

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };

/** The API and the built page on one address, as the server does it. */
export function mock_server(dist, options) {
  const handle = mock_api(options);
  return createServer(async (request, response) => {
    const path = new URL(request.url, 'http://mock').pathname;
    if (path.startsWith('/api/')) return handle(request, response).catch((cause) => response.destroy(cause));
    const name = extname(path) ? normalize(path).replace(/^(\.\.[/\\])+/, '') : 'index.html';
    try {
      const bytes = await readFile(join(dist, name));
      response.writeHead(200, { 'content-type': types[extname(name)] ?? 'application/octet-stream', 'content-security-policy': content_security_policy, 'x-content-type-options': 'nosniff' });
      response.end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
}
