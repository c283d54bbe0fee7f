/**
 * The twin benchmark: for each seed a policy is trained, then judged on twins that differ from its simulator, before and
 * after adapting, beside learning from scratch on the same episodes.
 */

import { join } from 'node:path';
import { experimentNamed } from '../configs/index.ts';
import { applyOverrides } from '../configs/schema.ts';
import { learnedParameters } from '../loop/adapted-policy.ts';
import { openExperiment } from '../loop/experiment.ts';
import { WorkerPool } from '../policy/collector.ts';
import { keptPolicy } from './kept-policy.ts';
import { type Interval, interval, type Shift, type ShiftRow, shiftRow } from './twin-shift.ts';

export const shifts: Readonly<Record<string, Shift>> = {
  // Energy pumping with the full 1 N m takes 16 s here, an episode 10 s: out of reach, adapted or not.
  far: { mass: 1.4, friction: 2, latency: 0.02 },
  // Beyond the randomisation, within the motor's means.
  near: { mass: 1.2, friction: 1.5, latency: 0.02 },
};

export interface TwinBench {
  readonly [shift: string]: {
    readonly shift: Shift;
    readonly success: Record<'zeroShot' | 'adapted' | 'scratch', Interval>;
    readonly meanReturn: Record<'zeroShot' | 'adapted' | 'scratch', Interval>;
    readonly accepted: number;
    readonly rows: readonly ShiftRow[];
  };
}

export interface TwinBenchOptions {
  readonly seeds: number;
  readonly evalEpisodes: number;
  /** Of learning the last layer, and from scratch. */
  readonly iterations: number;
  /** Where the policies are kept: a seed whose training finished there is not trained again. */
  readonly directory: string;
  readonly onProgress: (text: string) => void;
}

export async function twinBench(options: TwinBenchOptions): Promise<TwinBench> {
  const rows: Record<string, ShiftRow[]> = Object.fromEntries(Object.keys(shifts).map((name) => [name, []]));
  for (let seed = 1; seed <= options.seeds; seed++) {
    const experiment = await openExperiment(applyOverrides(experimentNamed('pendulum'), [`seed=${seed}`]));
    const run = join(options.directory, `seed-${seed}`);
    const bundle = await keptPolicy(experiment, run, 0, () => options.onProgress(`seed ${seed}: training`));
    const pool = new WorkerPool(2);
    try {
      for (const [name, shift] of Object.entries(shifts)) {
        const learned = await learnedParameters(bundle);
        const row = await shiftRow(
          experiment,
          bundle,
          learned,
          shift,
          pool,
          seed,
          options.evalEpisodes,
          options.iterations,
        );
        rows[name]!.push(row);
        options.onProgress(
          `seed ${seed}, ${name}: success ${row.zeroShot.success} zero-shot, ${row.adapted.success} adapted (${row.accepted ? 'accepted' : 'rolled back'}), ${row.scratch.success} from scratch`,
        );
      }
    } finally {
      await pool.close();
    }
  }
  return Object.fromEntries(Object.entries(shifts).map(([name, shift]) => [name, summary(shift, rows[name]!)]));
}

function summary(shift: Shift, rows: readonly ShiftRow[]): TwinBench[string] {
  const arms = (pick: (row: ShiftRow, arm: 'zeroShot' | 'adapted' | 'scratch') => number) => ({
    zeroShot: interval(rows.map((row) => pick(row, 'zeroShot'))),
    adapted: interval(rows.map((row) => pick(row, 'adapted'))),
    scratch: interval(rows.map((row) => pick(row, 'scratch'))),
  });
  return {
    shift,
    success: arms((row, arm) => row[arm].success),
    meanReturn: arms((row, arm) => row[arm].meanReturn),
    accepted: rows.filter((row) => row.accepted).length,
    rows,
  };
}
