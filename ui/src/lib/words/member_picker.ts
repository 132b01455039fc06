// Words of the choice of a municipality, which stands on several pages.
export const da = {
  people_member: 'Kommune',
  people_member_other: 'Vælg en anden',
  people_member_find: 'Find en kommune',
  people_members_failed: 'Kommunerne kunne ikke hentes',
  people_member_none: 'Ingen hedder det.',
};

export const en: Record<keyof typeof da, string> = {
  people_member: 'Municipality',
  people_member_other: 'Choose another',
  people_member_find: 'Find a municipality',
  people_members_failed: 'The municipalities could not be loaded',
  people_member_none: 'None has that name.',
};
