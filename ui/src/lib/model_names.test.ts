import './page_testing';
import { afterEach, expect, it, vi } from 'vitest';
import { api, Problem, type Model } from './api';
import { ModelNames } from './model_names.svelte';

const ids = (count: number, id = (at: number) => `m${at}`) => Array.from({ length: count }, (_, at) => id(at));
const named = (asked: string[]) => asked.map((id) => ({ id, name: `Model ${id}` }) as Model);
/** A server that has all models but `gone`. */
const server = () => vi.spyOn(api, 'models').mockImplementation(async (asked) => named(asked.filter((id) => id !== 'gone')));

afterEach(() => void vi.restoreAllMocks());

it('a name is the id until it is known, and where there is none', async () => {
  server();
  const names = new ModelNames();
  expect(['a', 'gone'].map(names.of)).toEqual(['a', 'gone']);
  await names.look_up([]);
  expect(['a', 'gone'].map(names.of)).toEqual(['Model a', 'gone']);
});

it('what is drawn together is asked for together, each id once', async () => {
  const asked = server();
  const names = new ModelNames();
  ['a', 'b', 'a', '', 'gone'].map(names.of);
  await names.look_up(['b', 'c']);
  ['a', 'gone', 'c', 'd'].map(names.of);
  await names.look_up([]);
  expect(asked.mock.calls).toEqual([[['a', 'b', 'gone', 'c']], [['d']]]);
  expect(names.of('d')).toBe('Model d');
});

it('many are asked for a hundred at a time, and fewer where their ids are long', async () => {
  const asked = server();
  const names = new ModelNames();
  await names.look_up(ids(250));
  expect(asked.mock.calls.map(([part]) => part.length)).toEqual([100, 100, 50]);
  expect(['m0', 'm249'].map(names.of)).toEqual(['Model m0', 'Model m249']);
  asked.mockClear();
  const long = ids(100, (at) => `afdeling/${'å'.repeat(80)}${at}`);
  await names.look_up(long);
  expect(asked.mock.calls.flatMap(([part]) => part)).toEqual(long);
  for (const [part] of asked.mock.calls) expect(new URLSearchParams(part.map((id) => ['id', id])).toString().length).toBeLessThan(7_000);
  asked.mockClear();
  await names.look_up(['x'.repeat(9_000), 'y']);
  expect(asked.mock.calls.map(([part]) => part.length)).toEqual([1, 1]);
});

it('what is asked for while an answer is awaited comes in the next question', async () => {
  const asked = server();
  const names = new ModelNames();
  asked.mockImplementationOnce(async (first) => {
    names.of('later');
    return named(first);
  });
  await names.look_up(['first']);
  expect(asked.mock.calls).toEqual([[['first']], [['later']]]);
  expect(names.of('later')).toBe('Model later');
});

it('where it fails the ids stand, and the others have their names', async () => {
  const asked = server();
  asked.mockRejectedValueOnce(Problem.offline());
  const names = new ModelNames();
  await names.look_up(ids(101));
  expect(['m0', 'm100'].map(names.of)).toEqual(['m0', 'Model m100']);
  await names.look_up(['m101']);
  expect(names.of('m101')).toBe('Model m101');
  expect(asked, 'a failure is not asked after again and again').toHaveBeenCalledTimes(3);
});
