/**
 * Laser logs in CARMEN's text format (carmen.sourceforge.net, "Log file format"), gzipped: `FLASER n r1 .. rn x y theta odom_x
 * odom_y odom_theta timestamp host logger_timestamp`, poses in metres and radians. Other lines are passed over. Knows no robot.
 */

import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { InputError, messageOf } from '../../core/errors.ts';
import type { PlanarScan } from '../../sim/planar-lidar.ts';

export interface LoggedScan {
  readonly scan: PlanarScan;
  /** Of the laser in the map: x, y, m, heading, rad. */
  readonly pose: readonly [x: number, y: number, heading: number];
}

/** What a SICK laser writes for no return, about, m. */
const MAX_RANGE = 50;
const AFTER = 9;

/** @throws InputError for a file that cannot be read or a scan that is not one, with its line */
export async function readCarmen(path: string): Promise<LoggedScan[]> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new InputError(`${path} cannot be read: ${messageOf(error)}`, { repair: 'name a CARMEN log' });
  });
  const isZipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return parseCarmen((isZipped ? gunzipSync(bytes) : bytes).toString('utf8'), path);
}

export function parseCarmen(text: string, where: string): LoggedScan[] {
  const scans: LoggedScan[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (!line.startsWith('FLASER ')) continue;
    const words = line.trim().split(/\s+/);
    const count = Number(words[1]);
    const numbers = words.slice(2, 2 + count + 6).map(Number);
    if (!(count > 1) || words.length < 2 + count + AFTER || !numbers.every(Number.isFinite)) {
      throw new InputError(`${where}, line ${i + 1}: not a scan of ${words[1]} ranges and two poses`, {
        repair: 'the log is cut off or damaged there',
      });
    }
    const [x, y, heading] = numbers.slice(count) as [number, number, number];
    // Half the plane, from the right; a degree or half of one from beam to beam, with or without the last.
    const step = Math.PI / (count % 2 === 1 ? count - 1 : count);
    const ranges = Float32Array.from(numbers.slice(0, count));
    scans.push({ scan: { from: -Math.PI / 2, step, maxRange: MAX_RANGE, ranges }, pose: [x, y, heading] });
  }
  if (scans.length === 0)
    throw new InputError(`${where} holds no FLASER line`, { repair: 'name a CARMEN log with laser scans' });
  return scans;
}
