import { describe, expect, it } from 'vitest';
import { csv_of, table_csv } from './csv';

describe('a table as a file', () => {
  it('is written as a Danish spreadsheet reads it, and no name is a formula', () => {
    expect(csv_of(['Kommune', 'Del'], [['=1+1', 0.5], ['A;B', null]])).toBe('\ufeffKommune;Del\r\n"\'=1+1";0,5\r\n"A;B";\r\n');
  });

  it.each(['=1', '+45 12 34 56 78', '-1', '@navn', '\tx', '\rx'])('has %j with an apostrophe before it', (text) => {
    expect(csv_of(['x'], [[text]])).toBe(`\ufeffx\r\n"'${text}"\r\n`);
  });

  it('doubles quotes, and leaves negative numbers alone', () => {
    expect(csv_of(['x'], [['et "ord"', -1.5]])).toBe('\ufeffx\r\n"et ""ord""";-1,5\r\n');
  });

  it('has the columns that have a value, not the buttons', () => {
    const columns = [{ key: 'name', label: 'Navn' }, { key: 'acts', label: 'Handlinger' }, { key: 'count', label: 'Antal' }];
    expect(table_csv(columns, [{ n: 'Ærø', c: 2 }], (row) => ({ count: row.c, name: row.n }))).toBe('\ufeffNavn;Antal\r\nÆrø;2\r\n');
  });
});
