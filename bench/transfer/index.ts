/** Every part of `landfall bench transfer`. Add one by adding a file and a line. */

import type { TransferPart } from './part.ts';

export const parts: Readonly<Record<string, () => Promise<TransferPart>>> = {
  lidar: async () => (await import('./lidar.ts')).lidar,
};
