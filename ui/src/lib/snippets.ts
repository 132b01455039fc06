// Lines that work when pasted: this server's address, a model of it, and the key where its secret is at hand.
export type SnippetKind = 'curl' | 'python' | 'javascript' | 'openwebui';
export const snippet_kinds: { kind: SnippetKind; label: string; language: string }[] = [
  { kind: 'curl', label: 'curl', language: 'sh' },
  { kind: 'python', label: 'Python', language: 'python' },
  { kind: 'javascript', label: 'JavaScript', language: 'js' },
  { kind: 'openwebui', label: 'Open WebUI', language: 'sh' },
];

export interface SnippetFacts {
  /** "https://faelled.example.dk", without a slash at its end. */
  origin: string;
  model: string;
  /** Null: the secret is not known any more; the snippet reads it from the environment. */
  secret: string | null;
  question: string;
}

const sh = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
const quoted = (text: string) => JSON.stringify(text);

export function snippet(kind: SnippetKind, { origin, model, secret, question }: SnippetFacts): string {
  const base = `${origin}/v1`;
  switch (kind) {
    case 'curl':
      return [
        `curl -N ${sh(`${base}/chat/completions`)} \\`,
        `  -H ${secret ? sh(`Authorization: Bearer ${secret}`) : '"Authorization: Bearer $FAELLED_KEY"'} \\`,
        `  -H 'Content-Type: application/json' \\`,
        `  -d ${sh(JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: question }] }))}`,
      ].join('\n');
    case 'python':
      return [
        '# pip install openai',
        ...(secret ? [] : ['import os']),
        'from openai import OpenAI',
        '',
        `client = OpenAI(base_url=${quoted(base)}, api_key=${secret ? quoted(secret) : 'os.environ["FAELLED_KEY"]'})`,
        'answer = client.chat.completions.create(',
        `    model=${quoted(model)},`,
        `    messages=[{"role": "user", "content": ${quoted(question)}}],`,
        ')',
        'print(answer.choices[0].message.content)',
      ].join('\n');
    case 'javascript':
      return [
        '// npm install openai',
        'import OpenAI from "openai";',
        '',
        `const client = new OpenAI({ baseURL: ${quoted(base)}, apiKey: ${secret ? quoted(secret) : 'process.env.FAELLED_KEY'} });`,
        'const answer = await client.chat.completions.create({',
        `  model: ${quoted(model)},`,
        `  messages: [{ role: "user", content: ${quoted(question)} }],`,
        '});',
        'console.log(answer.choices[0].message.content);',
      ].join('\n');
    case 'openwebui':
      return [
        `OPENAI_API_BASE_URL=${sh(base)} \\`,
        `OPENAI_API_KEY=${secret ? sh(secret) : '"$FAELLED_KEY"'} \\`,
        'open-webui serve',
      ].join('\n');
  }
}
