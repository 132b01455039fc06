import { describe, expect, it } from 'vitest';
import { bytes_text } from './format';

describe('an amount of memory', () => {
  it('is said in GB with a decimal, and less in whole units', () => {
    expect(bytes_text(0, 'da')).toBe('0 B');
    expect(bytes_text(1500, 'da')).toBe('2 kB');
    expect(bytes_text(400_400_000, 'da')).toBe('400 MB');
    expect(bytes_text(4_140_000_000, 'da')).toBe('4,1 GB');
    expect(bytes_text(4_140_000_000, 'en')).toBe('4.1 GB');
    expect(bytes_text(80e9, 'da')).toBe('80 GB');
    expect(bytes_text(404_560_000_000, 'da')).toBe('404,6 GB');
    expect(bytes_text(1_250_000_000_000, 'da')).toBe('1,3 TB');
  });
  it('never reads the same where it does not fit', () => {
    expect(bytes_text(16_000_000_001, 'da', 'up')).toBe('16,1 GB');
    expect(bytes_text(16_000_000_001, 'da', 'down')).toBe('16 GB');
  });
  it('takes the next unit where it is rounded into it', () => {
    expect(bytes_text(999_600_000, 'da')).toBe('1 GB');
    expect(bytes_text(999_600_000, 'da', 'down')).toBe('999 MB');
    expect(bytes_text(999_950_000_000, 'da')).toBe('1 TB');
  });
});
