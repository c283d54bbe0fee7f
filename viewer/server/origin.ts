/**
 * Keeps other web sites out of a viewer on this machine: a page from elsewhere must neither open its WebSocket nor, by
 * pointing a name of its own at 127.0.0.1, read recordings. Port forwarding (ssh -L) stays possible.
 */

import type { IncomingMessage } from 'node:http';

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** @param boundTo the address the server listens on; beyond loopback any name may be its own */
export function isForeign(request: Pick<IncomingMessage, 'headers'>, boundTo: string): boolean {
  const { host, origin } = request.headers;
  if (host === undefined) return true;
  if (origin !== undefined && hostOf(origin) !== host.toLowerCase()) return true;
  const bound = boundTo.includes(':') ? `[${boundTo}]` : boundTo;
  return LOOPBACK.test(bound) && !LOOPBACK.test(host.toLowerCase().replace(/:\d+$/, ''));
}

function hostOf(origin: string): string {
  try {
    return new URL(origin).host;
  } catch {
    return '';
  }
}
