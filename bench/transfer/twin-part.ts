/** Part `twin`: from Rapier to the MuJoCo twin and to twins that differ, before and after N episodes. */

import type { TransferPart } from './part.ts';
import type { StudySize } from './study-rows.ts';
import { twinFigures } from './twin-figures.ts';
import { studyTask } from './twin-study.ts';
import { twinTable } from './twin-table.ts';

/** The protocol asks for ten seeds a cell; three are what a laptop affords. */
const SEEDS = 3;

/** Trained in seconds. Acrobot, quadrotor and arm have targets too: name them to `studyTask`. */
const TASKS = ['pendulum', 'cartpole-balance'] as const;

const SIZE: Omit<StudySize, 'seeds'> = {
  budgets: [10, 1, 2, 5, 20],
  evalEpisodes: 20,
  oracleIterations: 40,
  iterations: 25,
  judgePairs: 40,
  onlineBudget: 40,
};

export const part: TransferPart = {
  name: 'twin',
  doc: 'zero-shot on the MuJoCo twin and on targets that differ from it, and what each arm recovers from N episodes',
  seeds: SEEDS,
  async run({ seeds, workers, directory, onProgress }) {
    const json: Record<string, unknown> = {};
    const tables: string[] = [];
    for (const task of TASKS) {
      const figures = twinFigures(await studyTask(task, { size: { ...SIZE, seeds }, workers, directory, onProgress }));
      json[task] = figures;
      tables.push(twinTable(task, figures));
    }
    return { json, table: tables.join('\n') };
  },
};
