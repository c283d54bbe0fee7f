import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { workerEntry } from '../../core/worker-entry.ts';

test('from source the worker is TypeScript and gets its loader', () => {
  const entry = workerEntry('file:///here/sim/collector.ts', 'collector-worker');
  expect(entry.url.href).toBe('file:///here/sim/collector-worker.ts');
  expect(entry.execArgv[0]).toBe('--import');
});

test('from the built package it is JavaScript and needs nothing', () => {
  const entry = workerEntry('file:///here/dist/sim/collector.js', '../viewer/worker');
  expect(entry.url.href).toBe('file:///here/dist/viewer/worker.js');
  expect(entry.execArgv).toEqual([]);
});

test('a worker of this repository starts from source and can import other sources', async () => {
  const { url, execArgv } = workerEntry(import.meta.url, 'worker-entry-fixture');
  const worker = new Worker(url, { execArgv, workerData: Math.PI / 6 });
  const answer = await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await worker.terminate();
  expect(answer).toBeCloseTo(0.5, 15);
});
