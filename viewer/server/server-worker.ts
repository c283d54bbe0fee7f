/** The thread of the viewer's server: starts it and passes on what the owner says. See viewer.ts for the other end. */

import { parentPort, workerData } from 'node:worker_threads';
import { LandfallError, messageOf } from '../../core/errors.ts';
import type { MetricsRecord } from '../protocol.ts';
import type { ShownScene } from '../scene-message.ts';
import { LiveServer, type ServerOptions, type ShowSource } from './server.ts';
import type { StreamStats } from './stream.ts';

export type ToServer =
  | { readonly type: 'show'; readonly source: ShowSource }
  | { readonly type: 'metrics'; readonly record: MetricsRecord }
  | { readonly type: 'scene'; readonly env: number; readonly frame: number; readonly scene: ShownScene }
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'open'; readonly paths: readonly string[] }
  | { readonly type: 'stats'; readonly request: number }
  | { readonly type: 'close' };

export type FromServer =
  | { readonly type: 'listening'; readonly url: string }
  | { readonly type: 'failed'; readonly message: string; readonly repair: string | undefined }
  | { readonly type: 'stats'; readonly request: number; readonly stats: StreamStats }
  | { readonly type: 'closed' };

const port = parentPort!;
const options: ServerOptions = workerData;
const server = new LiveServer(options);

function answer(message: FromServer): void {
  port.postMessage(message);
}

port.on('message', (message: ToServer) => {
  switch (message.type) {
    case 'show':
      return server.show(message.source);
    case 'metrics':
      return server.addMetrics(message.record);
    case 'scene':
      return server.addScene(message.env, message.frame, message.scene);
    case 'note':
      return server.addNote(message.text);
    case 'open':
      return server.openRecordings(message.paths);
    case 'stats':
      return answer({ type: 'stats', request: message.request, stats: server.stats() });
    case 'close':
      void server.close().then(() => {
        answer({ type: 'closed' });
        port.close();
      });
      return;
    default:
      message satisfies never;
  }
});

try {
  answer({ type: 'listening', url: await server.listen() });
} catch (error) {
  const repair = error instanceof LandfallError ? error.repair : undefined;
  answer({ type: 'failed', message: messageOf(error), repair });
  port.close();
}
