// The control API in memory, for development and tests of the page: the same addresses, bodies and stream of events as
// the server's. Words in a question steer it: "kø" waits in line, "vågn" wakes the model, "fejl" breaks off in the
// middle, "afvis" is refused, "kort" is answered briefly.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';

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
    state: 'ready',
    detail: null,
    ready_in_s: null,
    context_tokens: 8192,
    places: 1,
    running: 0,
    waiting: 0,
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
    state: 'absent',
    detail: null,
    ready_in_s: 12,
    context_tokens: 16384,
    places: 2,
    running: 0,
    waiting: 0,
    embeddings: false,
    card: {
      da: { summary: 'En mellemstor model, der skriver godt dansk.', good_for: 'Breve, referater og klart sprog', where: 'På fælledens maskiner i Danmark' },
      en: { summary: 'A medium model that writes Danish well.', good_for: 'Letters, minutes and plain language', where: 'On the machines of the commons in Denmark' },
    },
    demo: false,
  },
];

/** `piece_ms` is the pause between two pieces of an answer. `one_model` leaves the second one out. */
export function mock_api({ piece_ms = 25, one_model = false } = {}) {
  const tokens = new Set(['dev', 'once']); // 'dev' works again and again
  const sessions = new Set();
  const conversations = new Map();
  const turns = new Map();
  let ids = 0;
  const id = (kind) => `${kind}_${(++ids).toString().padStart(6, '0')}`;
  const now = () => new Date().toISOString().replace('Z', '000Z');
  const session_body = () => ({
    user: { id: 'usr_1', name: 'Prøvebruger' },
    member: { id: 'mem_1', name: 'Prøvekommunen', contact: null },
    role: 'user',
    expires_at: now(),
  });

  function message(role, content, state, model) {
    return { id: id('msg'), role, content, created_at: now(), model, state, error: null, request_id: role === 'assistant' ? `req_${randomBytes(8).toString('hex')}` : null };
  }

  function brief(conversation) {
    const { messages, turn, ...rest } = conversation;
    return { ...rest, running: turn !== null };
  }

  function push(turn, name, data) {
    for (const watcher of turn.watchers) watcher(name, data);
  }

  function finish(turn, state, error = null) {
    if (turn.ended) return;
    turn.answer.state = state;
    turn.answer.error = error;
    turn.conversation.turn = null;
    turn.ended = { state, error, request_id: turn.answer.request_id, usage: { input_tokens: 12, output_tokens: 34 } };
    push(turn, 'end', turn.ended);
    turn.watchers.clear();
  }

  async function run(turn, question) {
    const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    if (/kø/i.test(question)) {
      for (const position of [3, 2, 1]) {
        if (turn.ended) return;
        turn.waiting = { reason: 'queue', position, ready_in_s: null };
        push(turn, 'waiting', turn.waiting);
        await pause(piece_ms * 40);
      }
    }
    if (/vågn/i.test(question)) {
      turn.waiting = { reason: 'starting', position: null, ready_in_s: (piece_ms * 160) / 1000 };
      push(turn, 'waiting', turn.waiting);
      await pause(piece_ms * 160);
    }
    turn.waiting = null;
    const text = /kort/i.test(question) ? 'Ja. Det kan du roligt gøre.' : long_answer;
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

  function refuse(response, status, code, da, en) {
    response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': `req_${randomBytes(8).toString('hex')}` });
    response.end(JSON.stringify({ error: { message: en, type: 'invalid_request_error', param: null, code, message_da: da } }));
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
    const url = new URL(request.url, 'http://mock');
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
      if (body.token !== 'dev') tokens.delete(body.token);
      const secret = randomBytes(16).toString('hex');
      sessions.add(secret);
      return send(response, 200, session_body(), { 'set-cookie': `faelled_session=${secret}; HttpOnly; SameSite=Strict; Path=/` });
    }
    if (!sessions.has(cookie)) return refuse(response, 401, 'not_signed_in', 'Du er ikke logget ind.', 'You are not signed in.');
    if (path === '/api/session' && method === 'GET') return send(response, 200, session_body());
    if (path === '/api/session' && method === 'DELETE') {
      sessions.delete(cookie);
      return send(response, 204, null);
    }
    if (path === '/api/models') return send(response, 200, { models: one_model ? models.slice(0, 1) : models });
    if (path === '/api/conversations' && method === 'GET') {
      const all = [...conversations.values()].sort((a, b) => b.updated_at.localeCompare(a.updated_at)).map(brief);
      const from = url.searchParams.get('before') ? all.findIndex((each) => each.id === url.searchParams.get('before')) : 0;
      const limit = Number(url.searchParams.get('limit') ?? 50);
      return send(response, 200, { conversations: all.slice(from, from + limit), next: all[from + limit]?.id ?? null });
    }
    if (path === '/api/conversations' && method === 'POST') {
      const made = { id: id('con'), title: body.title ?? 'Ny samtale', model: body.model, created_at: body.created_at ?? now(), updated_at: body.created_at ?? now(), messages: [], turn: null };
      conversations.set(made.id, made);
      return send(response, 201, brief(made));
    }
    const [, , kind, which, more] = path.split('/');
    const missing = () => refuse(response, 404, 'not_found', 'Det findes ikke.', 'There is no such thing.');
    if (kind === 'conversations') {
      const found = conversations.get(which);
      if (!found) return missing();
      if (more === 'turns' && method === 'POST') {
        if (found.turn) return refuse(response, 409, 'turn_running', 'Et svar er allerede på vej.', 'An answer is already on its way.');
        if (/afvis/i.test(body.content)) return refuse(response, 429, 'queue_full', 'Køen er fuld lige nu. Prøv igen om et øjeblik.', 'The queue is full. Try again in a moment.');
        const model = body.model ?? found.model;
        const user_message = message('user', body.content, 'done', null);
        const answer = message('assistant', '', 'running', model);
        const turn = { id: id('turn'), conversation: found, answer, waiting: null, ended: null, watchers: new Set() };
        found.model = model;
        found.updated_at = now();
        found.messages.push(user_message, answer);
        found.turn = { id: turn.id, message_id: answer.id };
        turns.set(turn.id, turn);
        setTimeout(() => void run(turn, body.content), piece_ms * 8);
        return send(response, 202, { turn: { id: turn.id }, user_message, answer });
      }
      if (method === 'GET') return send(response, 200, { ...brief(found), messages: found.messages, turn: found.turn });
      if (method === 'PATCH') {
        found.title = body.title;
        return send(response, 200, brief(found));
      }
      if (method === 'DELETE') {
        conversations.delete(which);
        return send(response, 204, null);
      }
    }
    if (kind === 'turns') {
      const turn = turns.get(which);
      if (!turn) return missing();
      if (more === 'events') return stream(request, response, turn, Number(url.searchParams.get('after') ?? 0));
      if (method === 'DELETE') {
        finish(turn, 'stopped');
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
