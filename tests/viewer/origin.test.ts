import { expect, test } from 'vitest';
import { isForeign } from '../../viewer/server/origin.ts';

const request = (host?: string, origin?: string) => ({
  headers: { ...(host === undefined ? {} : { host }), ...(origin === undefined ? {} : { origin }) },
});

test.each([
  ['its own page', '127.0.0.1:7777', 'http://127.0.0.1:7777'],
  ['a program without origin', '127.0.0.1:7777', undefined],
  ['a forwarded port', 'localhost:8888', 'http://localhost:8888'],
  ['IPv6', '[::1]:7777', 'http://[::1]:7777'],
])('%s is let in', (_name, host, origin) => {
  expect(isForeign(request(host, origin), '127.0.0.1')).toBe(false);
});

test.each([
  ['a page from elsewhere', '127.0.0.1:7777', 'http://example.org'],
  ['a page of another port', '127.0.0.1:7777', 'http://127.0.0.1:3000'],
  ['an opaque origin', '127.0.0.1:7777', 'null'],
  ['a name that was pointed at this machine', 'example.org:7777', 'http://example.org:7777'],
  ['a request without host', undefined, undefined],
])('%s is not', (_name, host, origin) => {
  expect(isForeign(request(host, origin), '127.0.0.1')).toBe(true);
});

test('bound beyond this machine, any name may be its own', () => {
  expect(isForeign(request('robot.example:7777', 'http://robot.example:7777'), '0.0.0.0')).toBe(false);
  expect(isForeign(request('robot.example:7777', 'http://example.org'), '0.0.0.0')).toBe(true);
});
