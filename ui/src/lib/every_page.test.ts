import { afterEach, describe, expect, it, vi } from 'vitest';
import { every_page, pages_max, whole_file } from './every_page';

describe('what comes a page at a time', () => {
  afterEach(() => void vi.unstubAllGlobals());

  it('is fetched to its end', async () => {
    const pages: Record<string, { rows: number[]; next: string | null }> = { '': { rows: [1, 2], next: 'b' }, b: { rows: [3], next: null } };
    const fetched: number[] = [];
    expect(await every_page(async (after) => pages[after] ?? { rows: [], next: null }, (count) => fetched.push(count))).toEqual([1, 2, 3]);
    expect(fetched).toEqual([1, 2]);
  });

  it('has a bound', async () => {
    expect(await every_page(async () => ({ rows: [1], next: 'more' }))).toHaveLength(pages_max);
  });

  it('is one file with one heading, mark and all', async () => {
    const asked: string[] = [];
    vi.stubGlobal('fetch', async (address: string) => {
      asked.push(address);
      const first = asked.length === 1;
      return new Response(first ? '\ufeffid;navn\r\n1;Ærø\r\n' : '2;Als\r\n', { headers: { 'content-disposition': 'attachment; filename="faelled-audit.csv"', ...(first && { 'x-next': 'aud 1' }) } });
    });
    const file = await whole_file('/api/audit?format=excel&limit=1000', 'before');
    expect(asked).toEqual(['/api/audit?format=excel&limit=1000', '/api/audit?format=excel&limit=1000&before=aud+1']);
    expect(file).toMatchObject({ name: 'faelled-audit.csv', cut: false });
    expect(new TextDecoder('utf-8', { ignoreBOM: true }).decode(await file.bytes.arrayBuffer())).toBe('\ufeffid;navn\r\n1;Ærø\r\n2;Als\r\n');
  });

  it('is no file where a page of it fails', async () => {
    const error = { message: 'Try again.', message_da: 'Prøv igen.', type: 'x', param: null, code: 'unavailable' };
    vi.stubGlobal('fetch', async (address: string) => (address.includes('before') ? Response.json({ error }, { status: 503 }) : new Response('id\r\n', { headers: { 'x-next': '1' } })));
    await expect(whole_file('/api/audit?format=csv', 'before')).rejects.toMatchObject({ status: 503, da: 'Prøv igen.' });
  });
});
