// Gives the tests a server, and ends the one it started.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export default async function start() {
  if (process.env.FAELLED_URL) {
    if (!process.env.FAELLED_SIGN_IN) throw new Error('FAELLED_URL is set; FAELLED_SIGN_IN must hold an unused sign-in link');
    return;
  }
  return process.env.FAELLED_MOCK ? start_mock() : start_real();
}

function use(url: string, sign_in: string) {
  process.env.FAELLED_URL = url;
  process.env.FAELLED_SIGN_IN = sign_in;
}

async function start_mock() {
  const { mock_server } = await import('../../ui/mock/mock.mjs');
  const server = mock_server(join(root, 'ui/dist'), { piece_ms: 10 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  use(url, `${url}/sign-in#once`);
  return async () => {
    server.closeAllConnections();
    server.close();
  };
}

async function start_real() {
  const data = await mkdtemp(join(tmpdir(), 'faelled-browser-'));
  const child = spawn(join(root, 'run'), ['--port', '0', '--data', data, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const ready = JSON.parse(await first_line(child)) as { url: string; sign_in: string };
    use(ready.url, ready.sign_in);
    process.env.FAELLED_CONFIG = join(data, 'faelled.yaml'); // for the command line, which makes people of other roles
  } catch (cause) {
    child.kill();
    throw cause;
  }
  return async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    await rm(data, { recursive: true, force: true });
  };
}

async function first_line(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('./run has no output');
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error('./run ended before it was ready');
}
