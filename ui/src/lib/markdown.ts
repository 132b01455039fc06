// Markdown as a small tree that Svelte draws element by element. Text never becomes HTML, so nothing a model writes
// can run, style the page or load anything from outside: tags are shown as the letters they are, pictures as links.
import { Lexer, type Token, type Tokens } from 'marked';

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'strong' | 'em' | 'del'; inside: Inline[] }
  | { kind: 'link'; href: string; inside: Inline[] }
  | { kind: 'break' };

export type Block =
  | { kind: 'paragraph'; inside: Inline[] }
  | { kind: 'heading'; level: number; inside: Inline[] }
  | { kind: 'code'; language: string; text: string }
  | { kind: 'quote'; blocks: Block[] }
  | { kind: 'list'; ordered: boolean; start: number; items: { checked: boolean | null; blocks: Block[] }[] }
  | { kind: 'table'; align: ('left' | 'center' | 'right' | null)[]; head: Inline[][]; rows: Inline[][][] }
  | { kind: 'rule' };

const depth_max = 12; // deeper nesting is shown as plain text
const safe_schemes = new Set(['http:', 'https:', 'mailto:', 'tel:']);

/** The address if a reader may safely follow it, otherwise null. Addresses within this server are not for models to give. */
export function safe_href(href: string): string | null {
  try {
    const url = new URL(href.trim());
    return safe_schemes.has(url.protocol) && !url.username && !url.password ? url.href : null;
  } catch {
    return null;
  }
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };

function plain(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(amp|lt|gt|quot|apos|nbsp));/gi, (whole, dec, hex, name) => {
    if (name) return entities[name.toLowerCase()] ?? whole;
    const code = dec ? parseInt(dec, 10) : parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '\ufffd';
  });
}

function inlines(tokens: Token[] | undefined, depth: number): Inline[] {
  const out: Inline[] = [];
  for (const token of tokens ?? []) {
    if (depth > depth_max) {
      out.push({ kind: 'text', text: token.raw });
      continue;
    }
    switch (token.type) {
      case 'strong':
      case 'em':
      case 'del':
        out.push({ kind: token.type, inside: inlines((token as Tokens.Strong).tokens, depth + 1) });
        break;
      case 'codespan':
        out.push({ kind: 'code', text: (token as Tokens.Codespan).text });
        break;
      case 'br':
        out.push({ kind: 'break' });
        break;
      case 'link': {
        const link = token as Tokens.Link;
        const href = safe_href(link.href);
        const inside = inlines(link.tokens, depth + 1);
        if (href) out.push({ kind: 'link', href, inside });
        else out.push(...inside);
        break;
      }
      case 'image': {
        const image = token as Tokens.Image;
        const href = safe_href(image.href);
        const text: Inline = { kind: 'text', text: plain(image.text || image.href) };
        out.push(href ? { kind: 'link', href, inside: [text] } : text);
        break;
      }
      case 'text': {
        const text = token as Tokens.Text;
        if (text.tokens) out.push(...inlines(text.tokens, depth + 1));
        else out.push({ kind: 'text', text: plain(text.text) });
        break;
      }
      case 'escape':
        out.push({ kind: 'text', text: (token as Tokens.Escape).text });
        break;
      default:
        out.push({ kind: 'text', text: token.raw });
    }
  }
  return out;
}

function block(token: Token, depth: number): Block | null {
  if (depth > depth_max) return { kind: 'paragraph', inside: [{ kind: 'text', text: token.raw }] };
  switch (token.type) {
    case 'space':
    case 'def':
      return null;
    case 'hr':
      return { kind: 'rule' };
    case 'heading':
      return { kind: 'heading', level: (token as Tokens.Heading).depth, inside: inlines(token.tokens, depth + 1) };
    case 'code': {
      const code = token as Tokens.Code;
      return { kind: 'code', language: (code.lang ?? '').trim().split(/\s+/)[0] ?? '', text: code.text };
    }
    case 'blockquote':
      return { kind: 'quote', blocks: blocks((token as Tokens.Blockquote).tokens, depth + 1) };
    case 'list': {
      const list = token as Tokens.List;
      // "1000." alone is an answer, not a list.
      if (list.items.every((item) => item.text.trim() === '')) return { kind: 'paragraph', inside: [{ kind: 'text', text: list.raw.trim() }] };
      return {
        kind: 'list',
        ordered: list.ordered,
        start: typeof list.start === 'number' ? list.start : 1,
        items: list.items.map((item) => ({
          checked: item.task ? Boolean(item.checked) : null,
          blocks: blocks(item.tokens.filter((inside) => inside.type !== 'checkbox'), depth + 1),
        })),
      };
    }
    case 'table': {
      const table = token as Tokens.Table;
      return {
        kind: 'table',
        align: table.align,
        head: table.header.map((cell) => inlines(cell.tokens, depth + 1)),
        rows: table.rows.map((row) => row.map((cell) => inlines(cell.tokens, depth + 1))),
      };
    }
    case 'paragraph':
      return { kind: 'paragraph', inside: inlines(token.tokens, depth + 1) };
    case 'text': {
      const text = token as Tokens.Text;
      return { kind: 'paragraph', inside: text.tokens ? inlines(text.tokens, depth + 1) : [{ kind: 'text', text: plain(text.text) }] };
    }
    default:
      return { kind: 'paragraph', inside: [{ kind: 'text', text: token.raw }] };
  }
}

function blocks(tokens: Token[], depth: number): Block[] {
  return tokens.map((token) => block(token, depth)).filter((each): each is Block => each !== null);
}

/** Headings below the answer's own (level 2), with no level skipped, whatever the model wrote. */
function settle_headings(all: Block[], open: number[] = []): Block[] {
  for (const each of all) {
    if (each.kind === 'heading') {
      while (open.length > 0 && open.at(-1)! >= each.level) open.pop();
      open.push(each.level);
      each.level = Math.min(6, open.length + 2);
    } else if (each.kind === 'quote') {
      settle_headings(each.blocks, open);
    } else if (each.kind === 'list') {
      for (const item of each.items) settle_headings(item.blocks, open);
    }
  }
  return all;
}

export function parse_markdown(text: string): Block[] {
  try {
    return settle_headings(blocks(new Lexer({ gfm: true, breaks: true }).lex(text), 0));
  } catch {
    return [{ kind: 'paragraph', inside: [{ kind: 'text', text }] }];
  }
}
