// The mock's commons: how members stand, over a day too, and a what-if. The figures move a little with the clock, so
// that a page can be seen to refresh itself.
const stretch_ms = 6 * 60_000;
const iso = (ms) => new Date(ms).toISOString().replace('Z', '000Z');

/** `members`: the first is everybody's own. */
export function mock_commons({ members }) {
  const more = ['Aarhus', 'Odense', 'Samsø', 'Ærø', 'Læsø', 'Fanø', 'Billund'].map((name, at) => ({ id: `mem_c${at}`, name: `${name} Kommune` }));
  const all = [...members, ...more];
  const shares_all = all.reduce((sum, _, at) => sum + 2 + (at % 5), 0);

  function share_of(member, at) {
    const share = 2 + (at % 5);
    const entitled_per_s = share * 40;
    const beat = Math.floor(Date.now() / 5000) % 3;
    const load = [0.62, 1.45, 0.3, 0.97, 0.08, 0.55, 1.1, 0, 0.71][at % 9] + beat * 0.01;
    const recent = Math.round(entitled_per_s * 60 * load);
    return {
      member: member.id,
      name: member.name,
      share,
      shares_all,
      places: Math.ceil(load * share),
      places_max: at % 3 === 0 ? share * 4 : 0,
      waiting: load > 1 ? 4 : 0,
      running: Math.ceil(load * share),
      recent,
      floor: Math.round(entitled_per_s * 66),
      entitled_per_s,
      delivered: recent * 600,
      lent: Math.round(entitled_per_s * 3600 * (41 - at * 4)),
      borrowed: entitled_per_s * 3600 * (12 + at * 3),
      credit: Math.round(entitled_per_s * 3600 * (29 - at * 7)),
      lent_hours: 41 - at * 4,
      borrowed_hours: 12 + at * 3,
      wait_p50_ms: load > 1 ? 1200 : 12,
      wait_p95_ms: load > 1 ? 9400 : 420,
      wait_max_ms: 30_000,
    };
  }

  function past_of(share) {
    const end = Math.floor(Date.now() / stretch_ms) * stretch_ms;
    return Array.from({ length: 240 }, (_, at) => {
      const from = end - (240 - at) * stretch_ms;
      const hour = new Date(from).getUTCHours() + 1;
      const busy = hour >= 8 && hour < 16 ? 0.75 + 0.5 * Math.sin(at / 7) : hour >= 6 && hour < 22 ? 0.25 : 0.03;
      const entitled = share.entitled_per_s * 360;
      const used = Math.max(0, Math.round(entitled * busy));
      const own = Math.min(entitled, used);
      return { from: iso(from), entitled, own, lent: Math.round((entitled - own) * (hour >= 8 && hour < 17 ? 0.7 : 0.1)), borrowed: used - own, wait_p50_ms: Math.round(busy * 60), wait_p95_ms: Math.round(busy * busy * 2600) };
    });
  }

  const fared = (requests, unserved, wait_p50_ms, wait_p95_ms) => ({ requests, unserved, demanded: requests * 600, served: (requests - unserved) * 600, wait_p50_ms, wait_p95_ms });

  function what_if(body) {
    const more = body.users_more ?? 0;
    return {
      from: iso(Date.now() - (body.hours ?? 24) * 3_600_000),
      to: iso(Date.now()),
      rows: 1834,
      shortened: false,
      users: 61,
      models: [{ model: 'gemma-3-270m', places: 4, input_token_ms: 0.31, output_token_ms: 11.4, measured: true }],
      members: all.map((each, at) => {
        const own = each.id === body.member;
        const requests = 150 + at * 20;
        return { member: each.id, name: each.name, before: fared(requests, 0, 20, 640 + at * 10), after: own ? fared(requests + more * 3, more > 500 ? more : 0, 900, 640 + more * 20) : fared(requests, 0, 24, 655 + at * 10) };
      }),
    };
  }

  const check_ms = 3_000;
  let check_begun = 0;
  let checked = { checked_at: null, from: null, to: null, events: null, skipped: null, floor_violations: null, violations: null, differing: null, faults: null, first_faults: [] };
  function check_now() {
    const running = Date.now() < check_begun + check_ms;
    if (!running && check_begun > 0) {
      const to = check_begun + check_ms;
      checked = { checked_at: iso(to), from: iso(to - 86_400_000), to: iso(to), events: 12_345, skipped: 0, floor_violations: 0, violations: 0, differing: 0, faults: 0, first_faults: [] };
      check_begun = 0;
    }
    return { running, ...checked };
  }

  /** Answers, or false: it is not ours. */
  return function commons(session, method, url, body, { send, refuse }) {
    const operator = session.role === 'operator';
    const forbidden = () => refuse(403, 'forbidden', 'Det har du ikke adgang til.', 'This is not for your role.');
    if (url.pathname === '/api/share') {
      const wanted = url.searchParams.get('member') ?? members[0].id;
      if (wanted !== members[0].id && !operator) return forbidden();
      const at = all.findIndex((each) => each.id === wanted);
      if (at < 0) return refuse(404, 'not_found', 'Det findes ikke.', 'There is no such member.');
      const share = share_of(all[at], at);
      return send(200, { ...share, past: past_of(share) });
    }
    if (url.pathname === '/api/shares') return operator ? send(200, { members: all.map(share_of), floor_violations: check_now().floor_violations, check: check_now() }) : forbidden();
    if (url.pathname === '/api/shares/check' && method === 'POST') {
      if (!operator) return forbidden();
      if (check_now().running) return refuse(409, 'conflict', 'Der kontrolleres allerede.', 'A check runs already.');
      check_begun = Date.now();
      return send(202, check_now());
    }
    if (url.pathname === '/api/what-if' && method === 'POST') {
      if (!operator) return forbidden();
      return all.some((each) => each.id === body.member) ? send(200, what_if(body)) : refuse(404, 'not_found', 'Det findes ikke.', 'There is no such member.');
    }
    return false;
  };
}
