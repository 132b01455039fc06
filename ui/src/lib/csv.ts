// Tables as files for a spreadsheet. Pure.
export type Cell = string | number | null;

// As src/portal/csv.cpp does it: what a spreadsheet would take for a formula gets a leading apostrophe.
const is_formula = /^[=+@\t\r-]/;
const quoted = (text: string) => (/[";\r\n]/.test(text) || is_formula.test(text) ? `"${is_formula.test(text) ? "'" : ''}${text.replaceAll('"', '""')}"` : text);

/** A table as a Danish spreadsheet opens it: semicolons, decimal commas, and no cell that is a formula. */
export function csv_of(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const cell = (value: Cell) => (value === null ? '' : typeof value === 'number' ? String(Math.round(value * 1000) / 1000).replace('.', ',') : quoted(value));
  return `\ufeff${[head.map(quoted), ...rows.map((row) => row.map(cell))].map((row) => row.join(';')).join('\r\n')}\r\n`;
}

/** What a table is as a file. */
export interface TableFile<Row> {
  name: string;
  /** By the column's key; a column without one is left out (buttons). */
  cells: (row: Row) => Record<string, Cell>;
  /** Where the file has other columns than the table. */
  columns?: readonly { key: string; label: string }[];
  /** All rows, where the table shows a page of them. `fetched`: the pages so far. */
  all?: (fetched: (pages: number) => void) => Promise<readonly Row[]>;
}

export function table_csv<Row>(columns: readonly { key: string; label: string }[], rows: readonly Row[], cells: TableFile<Row>['cells']): string {
  const lines = rows.map(cells);
  const kept = columns.filter((each) => lines.every((line) => each.key in line));
  return csv_of(
    kept.map((each) => each.label),
    lines.map((line) => kept.map((each) => line[each.key] ?? null)),
  );
}
