// People, rules and events of a member, for its administrators, auditors and operators.
import type { components } from '../generated/api';
import { answered, client, of } from './api';

export type User = components['schemas']['User'];
export type Policy = components['schemas']['Policy'];
export type AuditRow = components['schemas']['AuditRow'];
export type Member = components['schemas']['Member'];
export type SignInLink = components['schemas']['SignInLink'];

export const rows_on_a_page = 50;

/** Without what is empty. */
function said<T extends Record<string, string | undefined>>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value)) as Partial<T>;
}

export interface AuditFilter extends Record<string, string | undefined> {
  member?: string;
  from?: string;
  to?: string;
  action?: string;
}

export const people_api = {
  members: async () => (await answered(client.GET('/api/members'))).members,
  users: (member: string, filter: { q?: string; role?: string; disabled?: string; after?: string }, limit = rows_on_a_page) =>
    answered(client.GET('/api/members/{id}/users', { params: { path: { id: member }, query: { ...(said(filter) as object), limit } } })),
  add_user: (member: string, body: { name: string; email?: string; role: User['role'] }) =>
    answered<User>(client.POST('/api/members/{id}/users', { ...of(member), body })),
  change_user: (id: string, body: { name?: string; email?: string | null; role?: User['role']; disabled?: boolean }) =>
    answered<User>(client.PATCH('/api/users/{id}', { ...of(id), body })),
  sign_in_link: (user: string) => answered<SignInLink>(client.POST('/api/sign-in-links', { body: { user } })),
  policy: (member: string) => answered<Policy>(client.GET('/api/members/{id}/policy', of(member))),
  change_policy: (member: string, body: Partial<Policy>) => answered<Policy>(client.PATCH('/api/members/{id}/policy', { ...of(member), body })),
  audit: (filter: AuditFilter, before: string) =>
    answered(client.GET('/api/audit', { params: { query: { ...(said({ ...filter, before }) as object), limit: rows_on_a_page } } })) as Promise<{ rows: AuditRow[]; next: string | null }>,
  audit_csv: (filter: AuditFilter, format: 'csv' | 'excel') => `/api/audit?${new URLSearchParams({ ...(said(filter) as Record<string, string>), format, limit: '1000' })}`,
};
