import './page_testing';
import { afterEach, describe, expect, it } from 'vitest';
import { Problem } from './api';
import { toasts } from './toasts.svelte';
import { show_with_undo } from './undo';

const settled = () => new Promise((resolve) => setTimeout(resolve));

describe('a way back', () => {
  afterEach(() => toasts.dismiss_all());

  it('is taken once, and says nothing more', async () => {
    let taken = 0;
    show_with_undo('Reglerne er gemt.', async () => taken++);
    expect(toasts.all[0]?.action?.label).toBe('Fortryd');
    toasts.act(toasts.all[0]?.id ?? 0);
    await settled();
    expect(taken).toBe(1);
    expect(toasts.all).toEqual([]);
  });

  it('that fails says so and why, wherever its reader is now, and can be tried again', async () => {
    let tries = 0;
    show_with_undo('Reglerne er gemt.', async () => {
      if (++tries === 1) throw new Problem(409, 'conflict', null, 'Noget er ændret i mellemtiden.', 'Something has changed.');
    });
    toasts.act(toasts.all[0]?.id ?? 0);
    await settled();
    expect(toasts.all[0]?.text).toBe('Fortryd virkede ikke for »Reglerne er gemt.« Noget er ændret i mellemtiden.');
    expect(toasts.all[0]?.action?.label).toBe('Prøv igen');
    toasts.act(toasts.all[0]?.id ?? 0);
    await settled();
    expect(tries).toBe(2);
    expect(toasts.all).toEqual([]);
  });
});
