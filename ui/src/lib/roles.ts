// Which pages a role opens. The server decides what may be done; here is only what is worth showing.
import type { components } from '../generated/api';
import type { PageName } from './address';

export type Role = components['schemas']['Role'];

export interface Way {
  page: 'chat' | PageName;
  href: string;
  label: 'nav_chat' | 'nav_keys' | 'nav_usage' | 'nav_share' | 'nav_people' | 'nav_audit' | 'nav_agreements' | 'nav_agreement' | 'nav_fairness' | 'nav_drift' | 'nav_models' | 'nav_maintenance' | 'nav_privacy' | 'nav_help' | 'nav_status';
  group: 'mine' | 'member' | 'operator' | 'about';
}

/** Operators and auditors have no conversations, so that they come near nobody's. */
export function has_chat(role: Role): boolean {
  return role === 'user' || role === 'builder' || role === 'member_admin';
}

/** The first is where one arrives. */
export function ways_of(role: Role): Way[] {
  const chats = has_chat(role);
  const ways: (Way | false)[] = [
    role === 'operator' && { page: 'maintenance', href: '/maintenance', label: 'nav_maintenance', group: 'operator' },
    role === 'operator' && { page: 'drift', href: '/drift', label: 'nav_drift', group: 'operator' },
    role === 'operator' && { page: 'models', href: '/models', label: 'nav_models', group: 'operator' },
    chats && { page: 'chat', href: '/', label: 'nav_chat', group: 'mine' },
    chats && { page: 'keys', href: '/keys', label: 'nav_keys', group: 'mine' },
    chats && { page: 'usage', href: '/usage', label: 'nav_usage', group: 'mine' },
    (role === 'member_admin' || role === 'operator') && { page: 'people', href: '/people', label: 'nav_people', group: 'member' },
    role === 'auditor' && { page: 'people', href: '/people/audit', label: 'nav_audit', group: 'member' },
    (role === 'member_admin' || role === 'auditor') && { page: 'agreements', href: '/agreements', label: 'nav_agreement', group: 'member' },
    role === 'operator' && { page: 'agreements', href: '/agreements', label: 'nav_agreements', group: 'operator' },
    { page: 'share', href: '/share', label: 'nav_share', group: role === 'operator' ? 'operator' : 'member' },
    role === 'operator' && { page: 'fairness', href: '/fairness', label: 'nav_fairness', group: 'operator' },
    { page: 'privacy', href: '/privacy', label: 'nav_privacy', group: 'about' },
    { page: 'help', href: '/help', label: 'nav_help', group: 'about' },
    { page: 'status', href: '/status', label: 'nav_status', group: 'about' },
  ];
  return ways.filter((each) => each !== false);
}
