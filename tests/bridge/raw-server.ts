/** A WebSocket server that says exactly what a test wants and keeps what it hears. Real sockets, no robot. */

import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

export interface RawServer {
  readonly url: string;
  readonly port: number;
  /** JSON heard, over all connections, in order. */
  readonly heard: Record<string, unknown>[];
  /** Connections open now, oldest first. */
  readonly sockets: Set<WebSocket>;
  /** What lies below them. */
  readonly streams: Socket[];
  /** Say something to every client; a text goes as it is. */
  say(message: object | string | Buffer): void;
  close(): Promise<void>;
}

export interface RawServerOptions {
  readonly port?: number;
  /** @default true */
  readonly answersPings?: boolean;
  readonly onMessage?: (message: Record<string, unknown>, socket: WebSocket) => void;
}

export async function startRawServer(options: RawServerOptions = {}): Promise<RawServer> {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: options.port ?? 0,
    autoPong: options.answersPings ?? true,
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const heard: Record<string, unknown>[] = [];
  const sockets = new Set<WebSocket>();
  const streams: Socket[] = [];
  server.on('connection', (socket, request) => {
    sockets.add(socket);
    streams.push(request.socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as Record<string, unknown>;
      heard.push(message);
      options.onMessage?.(message, socket);
    });
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}`,
    port,
    heard,
    sockets,
    streams,
    say(message) {
      const text = typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message);
      for (const socket of sockets) socket.send(text);
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.terminate();
        server.close(() => resolve());
      }),
  };
}
