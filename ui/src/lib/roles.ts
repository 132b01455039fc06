// Which pages a role opens. The server decides what may be done; here is only what is worth showing.
import type { PageName } from './address';

export type Role = 'user' | 'builder' | 'member_admin' | 'auditor' | 'operator';

export interface Way {
  page: 'chat' | PageName;
  href: string;
  label: 'nav_chat' | 'nav_keys' | 'nav_usage' | 'nav_people' | 'nav_audit' | 'nav_maintenance' | 'nav_privacy' | 'nav_help' | 'nav_status';
  group: 'mine' | 'member' | 'operator' | 'about';
}

export function ways_of(roles: readonly string[]): Way[] {
  const has = (...some: Role[]) => some.some((each) => roles.includes(each));
  const ways: (Way | false)[] = [
    { page: 'chat', href: '/', label: 'nav_chat', group: 'mine' },
    { page: 'keys', href: '/keys', label: 'nav_keys', group: 'mine' },
    { page: 'usage', href: '/usage', label: 'nav_usage', group: 'mine' },
    has('member_admin', 'operator') && { page: 'people', href: '/people', label: 'nav_people', group: 'member' },
    has('auditor') && !has('member_admin', 'operator') && { page: 'people', href: '/people/audit', label: 'nav_audit', group: 'member' },
    has('operator') && { page: 'maintenance', href: '/maintenance', label: 'nav_maintenance', group: 'operator' },
    { page: 'privacy', href: '/privacy', label: 'nav_privacy', group: 'about' },
    { page: 'help', href: '/help', label: 'nav_help', group: 'about' },
    { page: 'status', href: '/status', label: 'nav_status', group: 'about' },
  ];
  return ways.filter((each) => each !== false);
}
