// Usage: sums and rows of the ledger, without a word of what was asked.
import type { components } from '../generated/api';
import { answered, client } from './api';

export type UsageSum = components['schemas']['UsageSum'];
export type UsageRow = components['schemas']['UsageRow'];
export interface UsageFilter {
  from: string;
  to: string;
  model?: string;
}

export const rows_on_a_page = 50;

export const usage_api = {
  async hours(filter: UsageFilter): Promise<UsageSum[]> {
    const body = await answered(client.GET('/api/usage', { params: { query: { ...filter, scope: 'own', by: 'hour' } } }));
    return typeof body === 'object' && 'usage' in body ? body.usage : [];
  },
  async rows(filter: UsageFilter, after: string | null): Promise<{ rows: UsageRow[]; next: string | null }> {
    const query = { ...filter, scope: 'own' as const, rows: true, limit: rows_on_a_page, ...(after && { after }) };
    const body = await answered(client.GET('/api/usage', { params: { query } }));
    return typeof body === 'object' && 'rows' in body ? body : { rows: [], next: null };
  },
  /** Where a browser downloads the same. */
  csv(filter: UsageFilter, rows: boolean): string {
    return `/api/usage?${new URLSearchParams({ ...filter, scope: 'own', format: 'excel', ...(rows ? { rows: 'true' } : { by: 'hour' }) })}`;
  },
};
