// Words around a runbook, whose own words are English.
export const da = {
  runbook: 'Sådan gør du',
  runbook_close: 'Luk vejledningen',
  runbook_failed: 'Vejledningen kunne ikke hentes',
  runbook_missing: 'Vejledningen »{name}« følger ikke med denne udgave. Se docs/runbooks i kildekoden.',
};

export const en: Record<keyof typeof da, string> = {
  runbook: 'What to do',
  runbook_close: 'Close the runbook',
  runbook_failed: 'The runbook could not be loaded',
  runbook_missing: 'The runbook “{name}” does not come with this version. See docs/runbooks in the source.',
};
