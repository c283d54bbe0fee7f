/** Every part of `landfall bench transfer`. Add one by adding a file and a line. */

import type { TransferPart } from './part.ts';

export const parts: Readonly<Record<string, () => Promise<TransferPart>>> = {
  tasks: async () => (await import('./tasks-part.ts')).part,
  twin: async () => (await import('./twin-part.ts')).part,
  pendulum: async () => (await import('./pendulum.ts')).part,
  guard: async () => (await import('./guard.ts')).guardPart,
  lidar: async () => (await import('./lidar.ts')).lidar,
};
