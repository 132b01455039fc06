import { describe, expect, it } from 'vitest';
import { alarm_words } from './alarm_words';
import { fill } from './words';
import { da } from './words/maintenance';

const say = (key: keyof typeof da, values: Record<string, string | number> = {}) => fill(da[key], values);
const told = (id: string, reading: string | null, about: string | null = 'x.example') => alarm_words({ id, about, reading }, say, 'da');

describe('an alarm', () => {
  it('says how long a certificate is good for, or that it no longer is', () => {
    expect(told('certificate-expiring', '17 d')).toBe('Certifikatet x.example udløber om 17 dage.');
    expect(told('certificate-expiring', '1 d')).toBe('Certifikatet x.example udløber om 1 dag.');
    expect(told('certificate-expiring', '0 d')).toBe('Certifikatet x.example udløber inden for et døgn.');
    expect(told('certificate-expiring', '-1 d')).toBe('Certifikatet x.example er udløbet.');
    expect(told('certificate-expiring', '-30 d')).toBe('Certifikatet x.example er udløbet.');
  });

  it('reads what was found in people’s units', () => {
    expect(told('disk-filling', '4100 MB', null)).toBe('Disken er ved at være fuld: 4,1 GB tilbage.');
    expect(told('disk-filling', '0 MB', null)).toBe('Disken er ved at være fuld: 0 B tilbage.');
    expect(told('connections-full', '990', null)).toBe('Der er næsten ikke plads til flere forbindelser (990 åbne).');
  });

  it('of a newer server is shown as it is', () => {
    expect(told('something-new', '3', 'there')).toBe('something-new there 3');
  });
});
