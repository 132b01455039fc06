// Words of figures that come anew while they are looked at, and of those that did not.
export const da = {
  live: 'Opdateres af sig selv. Senest kl. {time}.',
  live_paused: 'Sat på pause. Senest opdateret kl. {time}.',
  live_failed: 'Kan ikke få nye tal lige nu. Her er dem fra kl. {time}.',
  live_pause: 'Sæt på pause',
  live_go_on: 'Opdatér igen',
};

export const en: Record<keyof typeof da, string> = {
  live: 'Updates by itself. Last at {time}.',
  live_paused: 'Paused. Last updated at {time}.',
  live_failed: 'New figures cannot be had at the moment. These are from {time}.',
  live_pause: 'Pause',
  live_go_on: 'Update again',
};
