// How members stand in the commons, and what would happen if one of them asked for more.
import type { components } from '../generated/api';
import { answered, client } from './api';
import type { Share } from './share';

export type ShareWithPast = components['schemas']['ShareWithPast'];
export type WhatIf = components['schemas']['WhatIf'];
export type WhatIfMember = WhatIf['members'][number];
export interface Shares {
  members: Share[];
  /** Null or absent: nobody has checked. */
  floor_violations?: number | null;
}

export const share_api = {
  /** `member` null: one's own. */
  share: (member: string | null) => answered<ShareWithPast>(client.GET('/api/share', { params: { query: member ? { member } : {} } })),
  shares: () => answered<Shares>(client.GET('/api/shares')),
  what_if: (body: { member: string; users_more: number; hours: number }) => answered<WhatIf>(client.POST('/api/what-if', { body })),
};
