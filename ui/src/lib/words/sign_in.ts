// Words of the sign-in page.
export const da = {
  sign_in_title: 'Log ind på Fælled',
  sign_in_how: 'Du logger ind med et engangslink. Bed den, der står for Fælled hos jer, om et link, og åbn det i denne browser.',
  sign_in_once: 'Linket virker én gang. Derefter husker browseren dig i 12 timer, eller til du logger ud.',
  sign_in_working: 'Logger ind …',
  sign_in_failed: 'Linket virker ikke',
  sign_in_used: 'Det er enten brugt før eller udløbet. Bed om et nyt.',
  sign_in_expired: 'Du er logget ud, fordi der er gået lang tid. Åbn et nyt engangslink. Spørgsmål, du var ved at skrive, er gemt i browseren.',
  sign_in_status: 'Se, om alt virker lige nu',
  sign_in_operator: 'Driver du selv serveren? Kommandoen »faelled user sign-in-link« laver et nyt link.',
};

export const en: Record<keyof typeof da, string> = {
  sign_in_title: 'Sign in to Fælled',
  sign_in_how: 'You sign in with a one-time link. Ask whoever looks after Fælled where you work for a link, and open it in this browser.',
  sign_in_once: 'The link works once. After that this browser remembers you for 12 hours, or until you sign out.',
  sign_in_working: 'Signing in …',
  sign_in_failed: 'The link does not work',
  sign_in_used: 'It has either been used before or has expired. Ask for a new one.',
  sign_in_expired: 'You were signed out because a long time has passed. Open a new one-time link. Questions you were writing are kept in this browser.',
  sign_in_status: 'See whether everything works right now',
  sign_in_operator: 'Do you run the server yourself? The command “faelled user sign-in-link” makes a new one.',
};
