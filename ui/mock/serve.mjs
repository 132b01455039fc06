// node mock/serve.mjs [--port N] [--piece-ms N] [--one-model] [--more-models N]: the mock with the built page, for `npm run dev` and for trying the page alone.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { mock_server } from './mock.mjs';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '9499' },
    'piece-ms': { type: 'string', default: '25' },
    'more-models': { type: 'string', default: '0' },
    'one-model': { type: 'boolean', default: false },
  },
});
const dist = fileURLToPath(new URL('../dist', import.meta.url));
const server = mock_server(dist, { piece_ms: Number(values['piece-ms']), one_model: values['one-model'], more_models: Number(values['more-models']) });
server.listen(Number(values.port), '127.0.0.1', () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  console.log(JSON.stringify({ url, sign_in: `${url}/sign-in#dev` }));
});
