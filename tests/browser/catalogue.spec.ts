// Modeller: adding a model, changing it, removing it and taking that back.
import { expect, no_axe_violations, no_sideways_scroll, refusal, speak, test } from './page';
import { signed_in_as } from './roles';
import type { Browser, Locator, Page } from '@playwright/test';

const gb = 1e9;

interface Definition {
  id: string;
  name?: string;
  engine?: string;
  folder?: string;
  device?: string;
  tool_parser?: string;
  file?: string;
  source?: string;
  sha256?: string;
  concurrency?: number;
  context_tokens?: number;
  pinned?: boolean;
  members?: string[];
  adapters?: { name: string; file: string; members?: string[] }[];
}

interface LeftOut {
  id: string;
  definition: Definition | null;
  why: string;
  why_da: string;
}

/** How a model stands whose file comes, or did not. */
const standing_far = (failed: boolean) => (failed ? { state: 'failed', bytes: 0, fetching: { bytes: 0, total: 0, left_s: null }, detail: 'another file' } : { state: 'fetching', bytes: 0, fetching: { bytes: 1.5 * gb, total: 4 * gb, left_s: 230 } });

/** An operator on a server with a model of the configuration and one that was added. What was asked of the server, in order. */
async function operator_of(browser: Browser, options: Parameters<typeof signed_in_as>[2] = {}, failed_fetch = false, lost: LeftOut | null = null): Promise<{ page: Page; asked: string[]; sent: Definition[] }> {
  const page = await signed_in_as(browser, 'operator', options);
  const asked: string[] = [];
  const sent: Definition[] = [];
  const added = new Map<string, { version: number; definition: Definition }>([['org/added:1', { version: 3, definition: { id: 'org/added:1', name: 'Tilføjet Model', file: '/srv/a.gguf', concurrency: 2 } }]]);
  const shown = (id: string, name: string, definition?: Definition) => ({ id, name, engine: 'llama', serves: 'chat', aliases: [], members: definition?.members ?? [], adapters: (definition?.adapters ?? []).map((each) => ({ id: `${id}:${each.name}`, name: each.name, members: each.members ?? [] })), node: null, device: null, state: 'absent', cause: 'none', other: null, in_state_s: 9, bytes: 4 * gb, bytes_read: 0, pinned: false, fits: true, may_be_tried: false, detail: null, load_s: 3, ready_in_s: null, asked_per_hour: 0, running: 0, waiting: 0, fetching: null });
  const far = standing_far(failed_fetch);
  const left_out = lost ? [lost] : [];
  await page.route('**/api/residency?*', (route) =>
    route.fulfill({ json: { at: '2026-11-24T11:03:00.000000Z', devices: [{ node: 'local', device: 'gpu0', kind: 'gpu', name: 'NVIDIA A10', bytes: 16 * gb, taken: 0, reserved: 0, cards: 1 }], models: [shown('configured', 'Fast Model'), ...[...added.values()].map(({ definition }) => ({ ...shown(definition.id, definition.name ?? definition.id, definition), ...(definition.source ? far : {}) }))], next: null, total: 2 } }),
  );
  await page.route(/\/api\/catalogue(\/[^?]*)?(\?.*)?$/, (route) => {
    const method = route.request().method();
    const id = decodeURIComponent(new URL(route.request().url()).pathname.split('/')[3] ?? '');
    if (method === 'GET')
      return route.fulfill({ json: { models: [{ id: 'configured', version: 0, origin: 'file', definition: null, download: null }, ...[...added.values()].map((each) => ({ id: each.definition.id, version: each.version, origin: 'added', definition: { engine: 'llama', ...each.definition }, download: each.definition.source ? { state: failed_fetch ? 'failed' : 'fetching', detail: failed_fetch ? 'host/x.gguf is another file' : null, kept: failed_fetch ? 1.2 * gb : 0, kept_in: failed_fetch ? '/data/models/a1-x.gguf.part' : null } : null }))], next: null, total: 2, left_out, left_out_total: left_out.length } });
    if (new URL(route.request().url()).pathname.endsWith('/fetch')) {
      asked.push(`fetch ${id}`);
      return route.fulfill({ json: { state: 'waiting' } });
    }
    if (method === 'DELETE') {
      asked.push(`remove ${id}`);
      added.delete(id);
      left_out.splice(0);
      return route.fulfill({ status: 204 });
    }
    const { definition, version, dry_run } = route.request().postDataJSON() as { definition: Definition; version?: number; dry_run: boolean };
    asked.push(`${dry_run ? 'look at' : method === 'PUT' ? 'change' : 'add'} ${definition.id}`);
    sent.push(definition);
    if (definition.folder === '/srv/væk') return route.fulfill(refusal(400, 'invalid_value', 'Mappen kan ikke bruges som model. Findes den, og er alle filer i den?', 'No such file or directory', 'req_3', 'definition.folder'));
    if (definition.file === '/srv/halv.gguf') return route.fulfill(refusal(400, 'invalid_value', 'Filen kan ikke bruges som model. Findes den, og er den hel?', 'model file /srv/halv.gguf: it is cut off', 'req_1', 'definition.file'));
    if (method === 'PUT' && version !== added.get(id)?.version) return route.fulfill(refusal(409, 'conflict', 'En anden har ændret modellen imens. Se den, og prøv igen.', 'Somebody has changed it.', 'req_2', 'version'));
    const bytes = (definition.concurrency ?? 1) * 4 * gb;
    const pinned = definition.file === '/srv/fortrængt.gguf' ? 16 * gb : 0, memory = 16 * gb - pinned;
    const fit = { fits: bytes <= memory, why_not: bytes <= memory ? null : 'it needs more', bytes, weights: 3 * gb, kv_cache: bytes - 3.5 * gb, working: 0.5 * gb, memory, pinned };
    const offer = definition.source ? { here: false, bytes: 3 * gb, sha256: definition.sha256 ?? 'a1'.repeat(32), why_no_room: null, commit: definition.sha256 ? null : 'c0'.repeat(20) } : null;
    if (dry_run) return route.fulfill({ json: { id: definition.id, version: null, fit, offer } });
    left_out.splice(0);
    const now = { version: (version ?? 0) + 1, definition };
    added.set(definition.id, now);
    return route.fulfill({ status: method === 'PUT' ? 200 : 201, json: { id: definition.id, version: now.version, fit, offer } });
  });
  await page.goto('/models');
  await expect(page.getByRole('heading', { level: 1, name: 'Modeller' })).toBeVisible();
  return { page, asked, sent };
}
const row_of = (page: Page, name: string): Locator => page.getByRole('table', { name: 'Modeller' }).getByRole('row').filter({ has: page.getByRole('rowheader', { name: new RegExp(`^${name}`) }) });

for (const [where, options, width] of [['a desktop', {}, 1280], ['a phone', { viewport: { width: 390, height: 844 } }, 390], ['the narrowest', { viewport: { width: 320, height: 640 } }, 320]] as const) {
  test(`on ${where}, a model is looked at before it is added`, async ({ browser, guard }) => {
    void guard;
    const { page, asked } = await operator_of(browser, options);
    await page.getByRole('button', { name: 'Tilføj model' }).focus();
    await page.keyboard.press('Enter');
    const form = page.getByRole('dialog', { name: 'Tilføj model' });
    await no_axe_violations(page);
    await form.getByLabel('Id', { exact: true }).fill('ny');
    await form.getByLabel('Navn').fill('Ny Model');
    await form.getByLabel('Modelfil').fill('/srv/fortrængt.gguf');
    await form.getByLabel('Pladser').fill('5');
    await form.getByRole('button', { name: 'Passer den?' }).click();
    await expect(form.getByRole('status'), 'a server with no room is not one without a GPU').toContainText('Den passer ikke, fordi den kræver 20 GB, og fastholdte modeller levner 0 B.');
    await form.getByLabel('Modelfil').fill('/srv/ny.gguf');
    await form.getByRole('button', { name: 'Passer den?' }).click();
    await expect(form.getByRole('status')).toContainText('Den passer ikke, fordi den kræver 20 GB, og der er 16 GB til modeller.');
    await no_axe_violations(page);
    await form.getByLabel('Pladser').fill('2');
    await expect(form.getByRole('status'), 'what was found is of what was looked at').toBeEmpty();
    await form.getByRole('button', { name: 'Passer den?' }).click();
    await expect(form.getByRole('status')).toContainText('Den passer: kræver 8 GB, og der er 16 GB til modeller.');
    await no_sideways_scroll(page, width);
    await page.emulateMedia({ colorScheme: 'dark' });
    await no_axe_violations(page);
    await form.getByLabel('Navn').press('Enter');
    await expect(form).toBeHidden();
    await expect(page.getByText('Ny Model kan bruges nu.')).toBeVisible();
    await expect(row_of(page, 'Ny Model')).toBeVisible();
    expect(asked).toEqual(['look at ny', 'look at ny', 'look at ny', 'add ny']);
    await no_sideways_scroll(page, width);
    await page.context().close();
  });
}

test('a model is fetched, and the list says how far it is', async ({ browser, guard }) => {
  void guard;
  const { page, asked } = await operator_of(browser);
  await page.getByRole('button', { name: 'Tilføj model' }).click();
  const form = page.getByRole('dialog', { name: 'Tilføj model' });
  await form.getByLabel('Id', { exact: true }).fill('fjern');
  await form.getByLabel('Den skal hentes').check();
  await form.getByLabel('Kilde').fill('http:');
  await form.getByRole('button', { name: 'Passer den?' }).click();
  await expect(form.getByLabel('Kilde')).toHaveAccessibleDescription(/begynder med https/);
  await expect(form.getByLabel('Kontrolsum')).toHaveAccessibleDescription(/64 tegn/);
  await no_axe_violations(page);
  await form.getByLabel('Kilde').fill('https://eksempel.dk/x.gguf');
  await form.getByLabel('Kontrolsum').fill('a1'.repeat(32));
  await form.getByRole('button', { name: 'Passer den?' }).click();
  await expect(form.getByRole('status')).toContainText('Filen fylder 3 GB og hentes, når modellen er tilføjet.');
  await form.getByRole('button', { name: 'Tilføj' }).click();
  await expect(page.getByText('fjern er tilføjet. Filen hentes nu.')).toBeVisible();
  await expect(row_of(page, 'fjern')).toContainText('Hentes, 37 %, ca. 4 min');
  await no_axe_violations(page);
  expect(asked).toEqual(['look at fjern', 'add fjern']);
  await page.context().close();
});

test('a folder for vLLM is fetched from a repository, without a hash', async ({ browser, guard }) => {
  void guard;
  const { page, asked } = await operator_of(browser);
  await page.getByRole('button', { name: 'Tilføj model' }).click();
  const form = page.getByRole('dialog', { name: 'Tilføj model' });
  await form.getByLabel('Id', { exact: true }).fill('fjern');
  await form.getByLabel('Fra en mappe med safetensors (vLLM)').check();
  await form.getByLabel('Den skal hentes').check();
  await expect(form.getByLabel('Kontrolsum')).toBeHidden();
  await form.getByLabel('Kilde').fill('hf:ejer/lager/x.gguf');
  await form.getByRole('button', { name: 'Tilføj' }).click();
  await expect(form.getByLabel('Kilde')).toHaveAccessibleDescription(/En mappe i det ender på \//);
  await no_axe_violations(page);
  await form.getByLabel('Kilde').fill('hf:ejer/lager@v1');
  await form.getByRole('button', { name: 'Tilføj' }).click();
  await expect(row_of(page, 'fjern')).toContainText('Hentes, 37 %, ca. 4 min');
  expect(asked).toEqual(['add fjern']);
  await page.context().close();
});

test('a file that did not come says why, and is fetched again when ordered', async ({ browser, guard }) => {
  void guard;
  const { page, asked } = await operator_of(browser, {}, true);
  await page.getByRole('button', { name: 'Tilføj model' }).click();
  const form = page.getByRole('dialog', { name: 'Tilføj model' });
  await form.getByLabel('Id', { exact: true }).fill('fjern');
  await form.getByLabel('Den skal hentes').check();
  await form.getByLabel('Kilde').fill('hf:ejer/lager/x.gguf');
  await form.getByRole('button', { name: 'Tilføj' }).click();
  await expect(row_of(page, 'fjern')).toContainText('host/x.gguf is another file');
  await expect(row_of(page, 'fjern')).toContainText('1,2 GB er hentet og gemt på disken');
  await expect(row_of(page, 'fjern')).toContainText('/data/models/a1-x.gguf.part');
  await row_of(page, 'fjern').getByRole('button', { name: 'Hent fjern igen' }).click();
  await expect.poll(() => asked).toEqual(['add fjern', 'fetch fjern']);
  await page.context().close();
});

test('what is wrong is told beside its question, and nothing is lost', async ({ browser, guard }) => {
  guard.allow.push(/status of 400/);
  const { page, asked } = await operator_of(browser);
  await page.getByRole('button', { name: 'Tilføj model' }).click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Id', { exact: true }).fill('to ord');
  await form.getByLabel('Modelfil').fill('modeller/ny.gguf');
  await form.getByLabel('Pladser').fill('mange');
  await form.getByRole('button', { name: 'Tilføj' }).click();
  await expect(form.getByLabel('Id', { exact: true }), 'the first that is wrong has the focus').toBeFocused();
  await expect(form.getByLabel('Id', { exact: true })).toHaveAccessibleDescription(/uden mellemrum/);
  await expect(form.getByLabel('Modelfil')).toHaveAccessibleDescription(/begynder med \//);
  await expect(form.getByLabel('Pladser')).toHaveAccessibleDescription(/helt tal/);
  await no_axe_violations(page);
  expect(asked).toEqual([]);
  await form.getByLabel('Id', { exact: true }).fill('ny');
  await form.getByLabel('Modelfil').fill('/srv/halv.gguf');
  await form.getByLabel('Pladser').fill('3');
  await form.getByRole('button', { name: 'Tilføj' }).click();
  await expect(form.getByLabel('Modelfil')).toHaveAccessibleDescription(/Filen kan ikke bruges som model/);
  await expect(form.getByLabel('Modelfil')).toBeFocused();
  await expect(form.getByLabel('Pladser')).toHaveValue('3');
  await page.keyboard.press('Escape');
  await expect(form, 'a key that slips loses nothing').toBeVisible();
  await form.getByRole('button', { name: 'Annullér' }).click();
  await expect(form).toBeHidden();
  await expect(page.getByRole('button', { name: 'Tilføj model' })).toBeFocused();
  await page.context().close();
});

test('a model is changed from what it is, unless somebody else did meanwhile', async ({ browser, guard }) => {
  guard.allow.push(/status of 409/);
  const { page, asked } = await operator_of(browser);
  await page.getByRole('button', { name: 'Ret Tilføjet Model' }).click();
  const form = page.getByRole('dialog', { name: 'Ret Tilføjet Model' });
  await expect(form.getByLabel('Modelfil')).toHaveValue('/srv/a.gguf');
  await expect(form.getByLabel('Id', { exact: true })).toHaveCount(0);
  await form.getByLabel('Navn').fill('Nyt Navn');
  await form.getByRole('button', { name: 'Gem' }).click();
  await expect(page.getByText('Nyt Navn er rettet.')).toBeVisible();
  await expect(row_of(page, 'Nyt Navn')).toBeVisible();
  await page.getByRole('button', { name: 'Ret Nyt Navn' }).click();
  // Another one changes it.
  await page.evaluate(() => fetch('/api/catalogue/org%2Fadded%3A1', { method: 'PUT', body: JSON.stringify({ definition: { id: 'org/added:1', name: 'Andres Navn' }, version: 4, dry_run: false }) }));
  await page.getByRole('dialog').getByLabel('Navn').fill('Mit Navn');
  await page.getByRole('dialog').getByRole('button', { name: 'Gem' }).click();
  await expect(page.getByRole('alert')).toContainText('En anden har ændret modellen imens.');
  await expect(page.getByRole('dialog').getByLabel('Navn')).toHaveValue('Mit Navn');
  await no_axe_violations(page);
  expect(asked).toEqual(['change org/added:1', 'change org/added:1', 'change org/added:1']);
  await page.context().close();
});

test('a model is removed at once, and that is undone', async ({ browser, guard }) => {
  void guard;
  const { page, asked } = await operator_of(browser);
  await expect(page.getByText('Modeller uden knapper står i konfigurationsfilen og rettes dér.')).toBeVisible();
  await expect(row_of(page, 'Fast Model').getByRole('button')).toHaveCount(0);
  await page.getByRole('button', { name: 'Fjern Tilføjet Model fra kataloget' }).click();
  await expect(row_of(page, 'Tilføjet Model')).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Fortryd' })).toBeFocused();
  await no_axe_violations(page);
  await page.keyboard.press('Enter');
  await expect(row_of(page, 'Tilføjet Model')).toBeVisible();
  await expect(page.getByText('Tilføjet Model er tilbage i kataloget.')).toBeVisible();
  expect(asked).toEqual(['remove org/added:1', 'add org/added:1']);
  await page.context().close();
});

test('the form speaks English as well', async ({ browser, guard }) => {
  void guard;
  const { page } = await operator_of(browser);
  await speak(page, 'English');
  await page.getByRole('button', { name: 'Add model' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Does it fit?' }).click();
  expect(await page.getByRole('dialog').innerText()).not.toMatch(/[æøå]|undefined/);
  await no_axe_violations(page);
  await page.context().close();
});

test('a model of vLLM is added with what only it is asked, and a wrong folder loses nothing', async ({ browser, guard }) => {
  guard.allow.push(/status of 400/);
  const { page, sent } = await operator_of(browser);
  await page.getByRole('button', { name: 'Tilføj model' }).click();
  const form = page.getByRole('dialog', { name: 'Tilføj model' });
  await form.getByLabel('Id', { exact: true }).fill('qwen');
  await form.getByLabel('Fra en mappe med safetensors (vLLM)').check();
  await expect(form.getByLabel('Modelfil')).toHaveCount(0);
  await expect(form.getByLabel('Pladser')).toHaveValue('8');
  await expect(form.getByRole('group', { name: 'Hvor skal den ligge?' }).getByLabel('På en GPU')).toBeChecked();
  await form.getByLabel('Modelmappe').fill('/srv/væk');
  await form.getByText('Flere valg').click();
  await form.getByLabel('Værktøjskald').fill('hermes');
  await form.getByLabel('Adaptere på én gang').fill('100');
  await no_axe_violations(page);
  await form.getByText('Flere valg').click();
  await form.getByRole('button', { name: 'Tilføj' }).click();
  await expect(form.getByLabel('Adaptere på én gang'), 'a fold with a mistake in it opens').toBeFocused();
  await expect(form.getByLabel('Adaptere på én gang')).toHaveAccessibleDescription(/fra 1 til 64/);
  await form.getByLabel('Adaptere på én gang').fill('2');
  await form.getByRole('button', { name: 'Tilføj' }).click();
  await expect(form.getByLabel('Modelmappe')).toHaveAccessibleDescription(/Mappen kan ikke bruges som model/);
  await expect(form.getByLabel('Værktøjskald')).toHaveValue('hermes');
  await form.getByLabel('Modelmappe').fill('/srv/qwen');
  await form.getByLabel('Pladser').fill('2');
  await form.getByRole('button', { name: 'Tilføj' }).click();
  await expect(row_of(page, 'qwen')).toBeVisible();
  expect(sent.at(-1)).toEqual({ id: 'qwen', engine: 'vllm', folder: '/srv/qwen', tool_parser: 'hermes', adapters_max: 2, device: 'gpu', concurrency: 2 });
  await page.context().close();
});

test('what a start left out is told with its reason, and is mended or removed', async ({ browser, guard }) => {
  void guard;
  for (const mends of [true, false]) {
    const { page, asked } = await operator_of(browser, {}, false, { id: 'glemt', definition: { id: 'glemt', name: 'Glemt Model', engine: 'llama', file: '/srv/g.gguf' }, why: "'standard' is an alias of another model", why_da: 'Et af de andre navne bruges allerede.' });
    const told = page.getByRole('region', { name: 'Kom ikke med ved start' });
    await expect(told).toContainText('Et af de andre navne bruges allerede.');
    await expect(told).not.toContainText('alias of another model');
    await no_axe_violations(page);
    if (mends) {
      await told.getByRole('button', { name: 'Ret glemt' }).click();
      const form = page.getByRole('dialog', { name: 'Ret Glemt Model' });
      await expect(form.getByLabel('Modelfil')).toHaveValue('/srv/g.gguf');
      await form.getByRole('button', { name: 'Tilføj' }).click();
      await expect(row_of(page, 'Glemt Model')).toBeVisible();
    } else {
      await told.getByRole('button', { name: 'Fjern glemt' }).click();
    }
    await expect(told).toHaveCount(0);
    expect(asked).toEqual([mends ? 'add glemt' : 'remove glemt']);
    await page.context().close();
  }
});

test('an adapter is added to a model for some members, removed, and brought back', async ({ browser, guard }) => {
  void guard;
  const { page, asked } = await operator_of(browser);
  await row_of(page, 'Tilføjet Model').getByRole('button', { name: 'Tilføj en adapter til Tilføjet Model' }).click();
  const form = page.getByRole('dialog', { name: 'Ny adapter til org/added:1' });
  await no_axe_violations(page);
  await form.getByLabel('Navn').fill('ju:ra');
  await form.getByRole('button', { name: 'Tilføj' }).click();
  await expect(form.getByText('Skriv et nyt navn uden mellemrum')).toBeVisible();
  await form.getByLabel('Navn').fill('jura');
  await form.getByLabel('Adapterfil').fill('/srv/jura.gguf');
  await form.getByLabel('Kun for disse medlemmer').fill('aarhus odense');
  await form.getByRole('button', { name: 'Tilføj' }).click();
  await expect(page.getByText('org/added:1:jura kan bruges nu.')).toBeVisible();
  await expect(row_of(page, 'Tilføjet Model')).toContainText('kun for aarhus, odense');
  await no_axe_violations(page);
  await page.getByRole('button', { name: 'Fjern adapteren org/added:1:jura' }).click();
  await expect(page.getByText('org/added:1:jura er fjernet.')).toBeVisible();
  await expect(row_of(page, 'Tilføjet Model')).not.toContainText('jura');
  await expect(page.getByRole('button', { name: 'Fortryd' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(row_of(page, 'Tilføjet Model')).toContainText('kun for aarhus, odense');
  expect(asked).toEqual(['change org/added:1', 'change org/added:1', 'change org/added:1']);
  await page.context().close();
});

test('a model is for the members named, and is everybody’s again', async ({ browser, guard }) => {
  void guard;
  const { page, sent } = await operator_of(browser);
  const row = row_of(page, 'Tilføjet Model');
  await expect(row).not.toContainText('kun for');
  for (const [typed, members] of [['aarhus, ribe', ['aarhus', 'ribe']], ['', undefined]] as const) {
    await row.getByRole('button', { name: 'Ret Tilføjet Model' }).click();
    const form = page.getByRole('dialog', { name: 'Ret Tilføjet Model' });
    await form.getByLabel('Kun for disse medlemmer').fill(typed);
    await form.getByRole('button', { name: 'Gem' }).click();
    await expect(form).toHaveCount(0);
    expect(sent.at(-1)?.members).toEqual(members);
    if (members) await expect(row).toContainText('kun for aarhus, ribe');
    else await expect(row).not.toContainText('kun for');
  }
  await page.context().close();
});

test('a name is made, moved when the new model is ready, and moved back', async ({ browser, guard }) => {
  void guard;
  const { page } = await operator_of(browser);
  interface Alias { name: string; version: number; model: string; moving_to: string | null; previous: string | null; owner: string | null; detail: string | null; lane: string; listed: boolean }
  let alias: Alias | null = null;
  const asked: string[] = [];
  await page.route(/\/api\/aliases(\/.*)?$/, (route) => {
    const method = route.request().method();
    if (method === 'GET') return route.fulfill({ json: { aliases: alias ? [alias] : [], left_out: [] } });
    if (method === 'DELETE') {
      asked.push('remove');
      alias = null;
      return route.fulfill({ status: 204 });
    }
    const body = route.request().postDataJSON() as { model?: string; owner: string | null; version: number | null };
    asked.push(body.model ? `move to ${body.model}, seen ${body.version ?? 'nothing'}, for ${body.owner ?? 'nobody'}` : `back, seen ${body.version ?? 'nothing'}`);
    if (!body.model && alias) alias = { ...alias, version: alias.version + 1, moving_to: null };
    else if (alias) alias = { ...alias, version: alias.version + 1, moving_to: body.model ?? null };
    else alias = { name: 'standard', version: 1, model: body.model ?? '', moving_to: null, previous: null, owner: body.owner, detail: null, lane: 'interactive', listed: true };
    return route.fulfill({ status: alias.version === 1 ? 201 : 200, json: alias });
  });
  await page.reload();
  const names = page.getByRole('region', { name: 'Navne, der kan flyttes' });
  await expect(names).toContainText('Der er ingen endnu.');
  await names.getByRole('button', { name: 'Nyt navn' }).click();
  const made = page.getByRole('dialog', { name: 'Nyt navn' });
  await made.getByLabel('Navn', { exact: true }).fill('to ord');
  await made.getByRole('button', { name: 'Opret' }).click();
  await expect(made.getByLabel('Navn', { exact: true })).toHaveAccessibleDescription(/uden mellemrum/);
  await expect(made.getByLabel('Navn', { exact: true })).toBeFocused();
  await no_axe_violations(page);
  await made.getByLabel('Navn', { exact: true }).fill('standard');
  await made.getByLabel('Model', { exact: true }).selectOption('Fast Model');
  await made.getByLabel('Ejer').fill('drift');
  await made.getByRole('button', { name: 'Opret' }).click();
  const row = names.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'standard' }) });
  await expect(row).toContainText('Fast Model');
  await row.getByRole('button', { name: 'Flyt standard' }).click();
  await page.getByRole('dialog', { name: 'Flyt standard' }).getByRole('button', { name: 'Flyt', exact: true }).click();
  await expect(row).toContainText('Flytter til Tilføjet Model, når den er klar.');
  await no_axe_violations(page);
  await no_sideways_scroll(page, 1280);
  await row.getByRole('button', { name: 'Lad standard blive ved Fast Model' }).click();
  await expect(row).not.toContainText('Flytter til');
  await row.getByRole('button', { name: 'Fjern navnet standard' }).click();
  await expect(names).toContainText('Der er ingen endnu.');
  await page.keyboard.press('Enter'); // Undo has the focus
  await expect(row).toContainText('Fast Model');
  await row.getByRole('button', { name: 'Flyt standard' }).click();
  await page.getByRole('dialog', { name: 'Flyt standard' }).getByRole('button', { name: 'Flyt', exact: true }).click();
  await expect(row).toContainText('Flytter til Tilføjet Model');
  await row.getByRole('button', { name: 'Fjern navnet standard' }).click();
  await expect(names).toContainText('Der er ingen endnu.');
  await page.keyboard.press('Enter');
  await expect(row, 'and it moves on to where it was moving').toContainText('Flytter til Tilføjet Model');
  expect(asked).toEqual([
    ...['move to configured, seen nothing, for drift', 'move to org/added:1, seen 1, for drift', 'back, seen 2', 'remove', 'move to configured, seen nothing, for drift'],
    ...['move to org/added:1, seen 1, for drift', 'remove', 'move to configured, seen nothing, for drift', 'move to org/added:1, seen 1, for drift'],
  ]);
  await page.context().close();
});

test('a form that cannot be fetched, as after an update, says so and offers a way on', async ({ browser, guard }) => {
  guard.allow.push(/Failed to load resource/);
  const { page } = await operator_of(browser);
  await page.route(/\/assets\/ModelForm-.*\.js$/, (route) => route.fulfill({ status: 404 }));
  await page.getByRole('button', { name: 'Tilføj model' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Siden kunne ikke hentes' })).toBeVisible();
  await page.unroute(/\/assets\/ModelForm-.*\.js$/);
  await page.getByRole('button', { name: 'Hent siden igen' }).click();
  await page.getByRole('button', { name: 'Tilføj model' }).click();
  await expect(page.getByRole('dialog', { name: 'Tilføj model' })).toBeVisible();
  await page.context().close();
});
