// How members stand in the commons, and what would happen if one of them asked for more.
import type { components } from '../generated/api';
import { answered, client } from './api';
import type { Check } from './floor_check';

export type ShareWithPast = components['schemas']['ShareWithPast'];
export type WhatIf = components['schemas']['WhatIf'];
export type WhatIfMember = WhatIf['members'][number];
export type Shares = components['schemas']['ShareList'];

export const share_api = {
  /** `member` null: one's own. */
  share: (member: string | null) => answered<ShareWithPast>(client.GET('/api/share', { params: { query: member ? { member } : {} } })),
  shares: () => answered<Shares>(client.GET('/api/shares')),
  /** Has the server check its decisions; what it finds comes with the shares. */
  check: () => answered<Check>(client.POST('/api/shares/check', {})),
  what_if: (body: { member: string; users_more: number; hours: number }) => answered<WhatIf>(client.POST('/api/what-if', { body })),
};
