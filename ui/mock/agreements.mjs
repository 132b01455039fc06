// The mock's tiers and agreements: enough of the server's planning to show a difference, do it and take it back.
const iso = (ms) => new Date(ms).toISOString().replace('Z', '000Z');

const begin = Date.parse('2026-01-01T00:00:00Z');

/** `members`: those of the commons; the first one is the reader's. */
export function mock_agreements({ members, places_there = 8 }) {
  let ids = 0;
  const tiers = [
    { id: 'stor', name: 'Stor kommune', share: 52, places: 16, wait_s: 60, models: [], fee_ore: 566_800 },
    { id: 'lille', name: 'Lille kommune', share: 22, places: 4, wait_s: null, models: [], fee_ore: 239_800 },
  ];
  const agreements = [];
  const is_open = (row) => row.ended_at === null;
  const promised = (rows, some) => Math.max(0, ...rows.filter(is_open).map((each) => each.places), ...some.map((each) => each.places));
  const scaled = (places, most) => (places === 0 || most <= places_there ? places : Math.max(1, Math.floor((places * places_there) / most)));

  function agreement(wish, session = null, follows = null) {
    const tier = tiers.find((each) => each.id === wish.tier);
    const begins = Math.max(Date.parse(`${wish.from}T00:00:00Z`), session ? Date.now() : begin);
    return {
      id: `agr_${(++ids).toString().padStart(6, '0')}`, member: wish.member, tier: wish.tier, from: wish.from, until: wish.until ?? null,
      share: wish.share ?? tier?.share, places: wish.places ?? tier?.places ?? 0, wait_s: wish.wait_s ?? tier?.wait_s ?? null, models: wish.models ?? tier?.models ?? [], fee_ore: wish.fee_ore ?? tier?.fee_ore,
      inhabitants: null, suspended: wish.suspended ?? false, reason_da: wish.reason_da ?? null, reason_en: wish.reason_en ?? null, follows,
      begins_at: iso(begins), made_at: iso(session ? Date.now() : begin), made_by: session?.user.id ?? null, ended_at: null, ended_by: null,
    };
  }
  for (const { id } of members) agreements.push(agreement({ member: id, tier: id === members[0].id ? 'stor' : 'lille', from: '2026-01-01' }));

  const shown = (row, most) => row && { ...row, places_now: scaled(row.places, most), state: row.ended_at ? 'ended' : Date.parse(row.begins_at) > Date.now() ? 'coming' : 'in_force' };
  const terms = ({ id: _, follows: _f, begins_at: _b, made_at: _m, made_by: _w, ended_at: _e, ended_by: _x, inhabitants: _i, ...rest }) => JSON.stringify(rest);

  function plan(wish, session) {
    const steps = [];
    const problems = [];
    const step = (more) => steps.push({ kind: '', tier_before: null, tier_after: null, before: null, after: null, ...more });
    for (const wished of wish.tiers ?? []) {
      const before = tiers.find((each) => each.id === wished.id) ?? null;
      const after = { id: wished.id, name: wished.name || wished.id, share: wished.share ?? null, places: wished.places ?? 0, wait_s: wished.wait_s ?? null, models: wished.models ?? [], fee_ore: wished.fee_ore ?? null };
      if (JSON.stringify(before) !== JSON.stringify(after)) step({ kind: before ? 'change_tier' : 'add_tier', tier_before: before && { ...before }, tier_after: after });
    }
    for (const id of wish.tiers_removed ?? []) step({ kind: 'remove_tier', tier_before: tiers.find((each) => each.id === id) });
    const open = agreements.filter(is_open);
    for (const wished of wish.agreements ?? []) {
      const before = open.find((each) => (wished.replaces ? each.id === wished.replaces : each.member === wished.member && each.from === wished.from)) ?? null;
      const after = agreement(wished, session, before?.id ?? null);
      const other = open.find((each) => each !== before && each.member === after.member && (each.until === null || each.until >= after.from) && (after.until === null || after.until >= each.from));
      if (other && !(wish.agreements ?? []).some((each) => each.replaces === other.id)) problems.push({ at: 'agreements[0]', message: 'two agreements overlap', message_da: 'to aftaler overlapper' });
      if (!before || terms(before) !== terms(after)) step({ kind: before ? 'change' : 'begin', before: before && { ...before }, after });
    }
    for (const id of wish.ended ?? []) step({ kind: 'end', before: { ...open.find((each) => each.id === id) } });
    if (problems.length > 0) steps.length = 0;
    const most = promised([...agreements, ...steps.map((each) => each.after).filter(Boolean)], [...tiers, ...steps.map((each) => each.tier_after).filter(Boolean)]);
    const warnings = most > places_there ? [{ at: null, message: `up to ${most} places are promised and there are ${places_there}: all limits count in proportion`, message_da: `der er lovet op til ${most} pladser, og der er ${places_there}: alle grænser gælder i forhold` }] : [];
    return { applied: false, plan: steps.length > 0 ? `plan_${ids}` : null, problems, warnings, steps, over: 0, places: { promised: most, there: places_there } };
  }

  function carry_out(done, session) {
    for (const { tier_before, tier_after, before, after } of done.steps) {
      if (tier_before) tiers.splice(tiers.findIndex((each) => each.id === tier_before.id), 1);
      if (tier_after) tiers.push(tier_after);
      const ended = before && agreements.find((each) => each.id === before.id);
      if (ended) Object.assign(ended, { ended_at: iso(Date.now()), ended_by: session.user.id });
      if (after) agreements.push(after);
    }
    return { ...done, applied: true };
  }

  const told = (result) => ({
    ...result,
    steps: result.steps.map((each) => ({
      ...each,
      tier_before: each.tier_before && { ...each.tier_before, places_now: scaled(each.tier_before.places, result.places.promised) },
      tier_after: each.tier_after && { ...each.tier_after, places_now: scaled(each.tier_after.places, result.places.promised) },
      before: shown(each.before, result.places.promised),
      after: each.after && { ...shown(each.after, result.places.promised), ...(result.applied ? {} : { id: null }) },
    })),
  });

  /** Answers and gives true where the address is one of these. */
  return function handle(session, method, url, body, { send, refuse }) {
    const path = url.pathname;
    const operator = session.role === 'operator';
    const reader = operator || session.role === 'member_admin' || session.role === 'auditor';
    const forbidden = () => refuse(403, 'forbidden', 'Det har du ikke adgang til.', 'This is not for your role.');
    const most = promised(agreements, tiers);
    const places = { promised: most, there: places_there };
    const whose = operator ? url.searchParams.get('member') : members[0].id;
    const of_reader = (row) => !whose || row.member === whose;
    if (path === '/api/promise') {
      const row = agreements.find((each) => is_open(each) && each.member === members[0].id);
      const shares = agreements.filter(is_open).reduce((sum, each) => sum + each.share, 0);
      return send(200, { agreement: row?.id ?? null, tier: tiers.find((each) => each.id === row?.tier)?.name ?? row?.tier ?? null, from: row?.from ?? null, until: row?.until ?? null, share: row?.share ?? 1, shares, places: row?.places ?? 0, places_now: scaled(row?.places ?? 0, most), wait_s: row?.wait_s ?? 120, models: row?.models ?? [], suspended: row?.suspended ?? false, reason_da: row?.reason_da ?? null, reason_en: row?.reason_en ?? null });
    }
    if (!path.startsWith('/api/agreements') && !path.startsWith('/api/tiers')) return false;
    if (path === '/api/agreements/sums') {
      if (!operator && session.role !== 'auditor') return forbidden();
      const open = agreements.filter(is_open);
      const sum = (rows, name) => rows.reduce((all, each) => all + each[name], 0);
      return send(200, { tiers: tiers.map((tier) => ({ tier: tier.id, name: tier.name, rows: open.filter((each) => each.tier === tier.id) })).map(({ rows, ...tier }) => ({ ...tier, members: rows.length, share: sum(rows, 'share'), fee_ore: sum(rows, 'fee_ore') })), members: members.length, with_agreement: open.length, suspended: open.filter((each) => each.suspended).length, share: sum(open, 'share'), fee_ore: sum(open, 'fee_ore'), places });
    }
    if (method === 'GET' && path === '/api/agreements') {
      if (!reader) return forbidden();
      const rows = agreements.filter((each) => is_open(each) && of_reader(each)).sort((a, b) => a.member.localeCompare(b.member));
      return send(200, { agreements: rows.map((each) => shown(each, most)), places, next: null, total: rows.length });
    }
    if (path === '/api/agreements/history') {
      if (!reader) return forbidden();
      return send(200, { agreements: agreements.filter(of_reader).toReversed().map((each) => shown(each, most)), next: null });
    }
    if (!operator) return forbidden();
    if (method === 'GET') return send(200, { tiers: tiers.toSorted((a, b) => a.id.localeCompare(b.id)).map((each) => ({ ...each, places_now: scaled(each.places, most) })), places });
    if (path === '/api/agreements/plan') return send(200, told(plan(body, session)));
    const done = plan(body, session);
    if (done.problems.length > 0) return refuse(400, null, 'Det kan ikke lade sig gøre.', done.problems[0].message);
    return send(200, told(carry_out(done, session)));
  };
}
