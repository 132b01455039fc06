// Agreements and tiers, for operators; a member's own for its administrators, auditors and people.
import type { components } from '../generated/api';
import type { Agreement, Plan, Promised, Tier, Places, Wish } from './agreements';
import { answered, client } from './api';

export type AgreementSums = components['schemas']['AgreementSums'];

const rows_on_a_page = 50;
const agreements_of_member_max = 500;

const said = (values: Record<string, string>) => Object.fromEntries(Object.entries(values).filter(([, value]) => value));

export const agreements_api = {
  list: (after: string) =>
    answered(client.GET('/api/agreements', { params: { query: { ...said({ after }), limit: rows_on_a_page } } })) as Promise<{ agreements: Agreement[]; places: Places; next: string | null; total: number }>,
  /** All of one member's. */
  async of_member(member: string): Promise<Agreement[]> {
    const found = await answered(client.GET('/api/agreements', { params: { query: { member, limit: agreements_of_member_max } } }));
    return typeof found === 'object' ? found.agreements : [];
  },
  history: (member: string, before: string) =>
    answered(client.GET('/api/agreements/history', { params: { query: { ...said({ member, before }), limit: rows_on_a_page } } })) as Promise<{ agreements: Agreement[]; next: string | null }>,
  /** Of the list or the history, for a download. */
  csv: (of: 'list' | 'history', member: string, format: 'csv' | 'excel') => `/api/agreements${of === 'history' ? '/history' : ''}?${new URLSearchParams({ ...said({ member }), format, limit: '500' })}`,
  sums: () => answered<AgreementSums>(client.GET('/api/agreements/sums')),
  promise: () => answered<Promised>(client.GET('/api/promise')),
  tiers: () => answered(client.GET('/api/tiers')) as Promise<{ tiers: Tier[]; places: Places }>,
  plan: (wish: Wish) => answered<Plan>(client.POST('/api/agreements/plan', { body: wish })),
  /** `plan`: the one that was shown; where another one follows by now, nothing is done. */
  carry_out: (wish: Wish, plan: string | null) => answered<Plan>(client.POST('/api/agreements', { body: { ...wish, plan } })),
};
