import { expect, test } from 'vitest';
import { workerEntry } from '../../core/worker-entry.ts';

test('from source the worker is TypeScript and gets its loader', () => {
  const entry = workerEntry('file:///here/sim/collector.ts', 'collector-worker');
  expect(entry.url.href).toBe('file:///here/sim/collector-worker.ts');
  expect(entry.execArgv).toEqual(['--import', 'tsx']);
});

test('from the built package it is JavaScript and needs nothing', () => {
  const entry = workerEntry('file:///here/dist/sim/collector.js', '../viewer/worker');
  expect(entry.url.href).toBe('file:///here/dist/viewer/worker.js');
  expect(entry.execArgv).toEqual([]);
});
