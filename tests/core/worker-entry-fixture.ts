/** A worker thread that imports TypeScript: answers with the sine of what it was given. */

import { parentPort, workerData } from 'node:worker_threads';
import { sin } from '../../core/math.ts';

const angle: number = workerData;
parentPort?.postMessage(sin(angle));
