// Words of the line on Drift nu, member by member.
export const da = {
  queue_title: 'Kø',
  queue_what: 'Kommuner, der spørger eller venter lige nu; den, der venter mest, først.',
  queue_none: 'Ingen spørger eller venter lige nu.',
  queue_member: 'Kommune',
  queue_running: 'I gang',
  queue_waiting: 'Venter',
  queue_used: 'Brugt af andelen, seneste minut',
  queue_more: '{count} flere står under Retfærdighed',
  queue_all: 'Alle kommuner under Retfærdighed',
};

export const en: Record<keyof typeof da, string> = {
  queue_title: 'Line',
  queue_what: 'Municipalities that ask or wait right now; the one that waits most comes first.',
  queue_none: 'Nobody asks or waits right now.',
  queue_member: 'Municipality',
  queue_running: 'Being answered',
  queue_waiting: 'Waiting',
  queue_used: 'Used of the share, last minute',
  queue_more: '{count} more are under Fairness',
  queue_all: 'All municipalities under Fairness',
};
