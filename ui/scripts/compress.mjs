// Lays a .br and a .gz beside each file of dist that gains by it; the server sends them as they are. Then it weighs the
// JavaScript that the chat page needs (the entry and all it imports at once), and each page and part
// that is fetched on its own.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const chat_bytes_max = 80_000;
const page_bytes_max = 30_000;

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const manifest = JSON.parse(readFileSync(join(dist, '.vite/manifest.json'), 'utf8'));
rmSync(join(dist, '.vite'), { recursive: true });

const brotli_bytes = new Map();
for (const name of readdirSync(dist, { recursive: true })) {
  const path = join(dist, String(name));
  if (!statSync(path).isFile() || !/\.(html|js|css|svg|json|txt|webmanifest)$/.test(path)) continue;
  const plain = readFileSync(path);
  const br = brotliCompressSync(plain, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length },
  });
  const gz = gzipSync(plain, { level: 9 });
  writeFileSync(`${path}.br`, br);
  writeFileSync(`${path}.gz`, gz);
  brotli_bytes.set(relative(dist, path), br.length);
  console.log(`${relative(dist, path)}  ${plain.length} B  gzip ${gz.length} B  brotli ${br.length} B`);
}

/** The files that come with a chunk at once: itself and what it imports, without what `had` holds. */
function at_once(key, had = new Set()) {
  const chunk = manifest[key];
  if (!chunk || had.has(chunk.file)) return had;
  had.add(chunk.file);
  for (const each of chunk.imports ?? []) at_once(each, had);
  return had;
}
const bytes_of = (files) => [...files].reduce((sum, file) => sum + (brotli_bytes.get(file) ?? 0), 0);

let too_much = false;
function weigh(what, bytes, bytes_max) {
  console.log(`JavaScript of ${what}: ${bytes} B compressed, at most ${bytes_max} B`);
  too_much ||= bytes > bytes_max;
}
const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
const first = at_once(entry);
weigh('the chat page', bytes_of(first), chat_bytes_max);
/** What is there when it is fetched: of a page the first, of a part the page that fetches it too. */
function there(key) {
  const by = Object.keys(manifest).filter((each) => manifest[each].dynamicImports?.includes(key) && each !== entry);
  return (file) => first.has(file) || (by.length > 0 && by.every((each) => at_once(each).has(file)));
}
for (const key of Object.keys(manifest).filter((each) => manifest[each].isDynamicEntry)) {
  const is_there = there(key);
  weigh(key, bytes_of([...at_once(key)].filter((file) => !is_there(file))), page_bytes_max);
}
if (too_much) process.exit(1);
