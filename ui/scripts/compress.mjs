// Lays a .br and a .gz beside each file of dist that gains by it; the server sends them as they are.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
let script_bytes = 0;
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
  if (path.endsWith('.js')) script_bytes += br.length;
  console.log(`${relative(dist, path)}  ${plain.length} B  gzip ${gz.length} B  brotli ${br.length} B`);
}
const script_bytes_max = 60_000;
console.log(`JavaScript ${script_bytes} B compressed, at most ${script_bytes_max} B`);
if (script_bytes > script_bytes_max) process.exit(1);
