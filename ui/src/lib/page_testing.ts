// What a browser has and the unit tests do not: as much of it as the page's state asks for when it is loaded.
import { vi } from 'vitest';

vi.stubGlobal('document', { documentElement: { lang: '', dataset: {} }, addEventListener: () => {}, removeEventListener: () => {}, visibilityState: 'visible' });
vi.stubGlobal('location', { pathname: '/', search: '', hash: '', href: 'http://127.0.0.1/' });
vi.stubGlobal('history', { pushState: () => {}, replaceState: () => {} });
vi.stubGlobal('window', {});
