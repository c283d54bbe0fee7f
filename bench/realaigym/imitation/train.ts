/** From nothing to a bundle: search a swing-up, learn it and what its teacher makes of it, write what the judge and a robot load. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { experiments } from '../../../configs/index.ts';
import type { Contract } from '../../../core/contract.ts';
import { openExperiment } from '../../../loop/experiment.ts';
import { encodeBundle } from '../../../policy/checkpoint.ts';
import { judge } from '../judge.ts';
import { imitate, type Stage } from './imitate.ts';
import { bundleParameters, studentContract } from './student.ts';
import { type DoublePendulumTask, type Swing, searchSwing } from './swing.ts';

export interface TrainOptions {
  readonly task: DoublePendulumTask;
  readonly seed: number;
  readonly directory: string;
  /** Searches for a swing-up, and swings simulated in each. */
  readonly tries: number;
  readonly evaluations: number;
  readonly rounds: number;
  readonly onProgress: (text: string) => void;
}

/** What the figures of docs/results.md took. */
export const EFFORT = {
  acrobot: { tries: 40, evaluations: 25_000, rounds: 18 },
  pendubot: { tries: 16, evaluations: 25_000, rounds: 12 },
} as const;

/** Of the three stages. The pendubot's swing leaves more room: it need not be held as stiffly in the end. */
const STIFFNESS = { acrobot: [3, 10, 10], pendubot: [10, 10, 4] } as const;
const HIDDEN = [128, 128];
const RUNS = 30;
const MINIBATCHES = 2500;

/** Soft tracking first, which is easy to learn; then stiffer, which withstands more; then the swing-up itself, for its smoothness. */
function stagesOf(task: DoublePendulumTask, rounds: number): Stage[] {
  const [first, second, third] = STIFFNESS[task];
  const soft = Math.ceil(rounds / 3);
  const stiff = Math.ceil((rounds - soft) / 2);
  return [
    { stiffness: first, rounds: soft, learningRate: 2e-3, nominalRows: 64 },
    { stiffness: second, rounds: stiff, learningRate: 1.2e-3, nominalRows: 64 },
    { stiffness: third, rounds: rounds - soft - stiff, learningRate: 8e-4, nominalRows: 160 },
  ].filter((stage) => stage.rounds > 0);
}

/** @returns the bundle's path */
export async function trainByImitation(options: TrainOptions): Promise<string> {
  const { task, seed, onProgress } = options;
  const swing = await searchSwing(task, {
    ...options,
    onTry: (done, best) => onProgress(`swing-up ${done}/${options.tries}: best score ${best.score.toFixed(3)}`),
  });
  const parameters = imitate({
    task,
    swing,
    hidden: HIDDEN,
    stages: stagesOf(task, options.rounds),
    runs: RUNS,
    minibatches: MINIBATCHES,
    seed,
    onRound(round, error, student) {
      const { performance } = judge(task, student, { robustness: false, seed: 1 });
      const [done, all] = [round + 1, options.rounds];
      onProgress(`round ${done}/${all}: error ${error.toFixed(4)}, performance ${performance.toFixed(3)}`);
    },
  });
  const { contract } = await openExperiment({ ...experiments[task]!, seed });
  return writeBundle(options.directory, studentContract(contract, task, HIDDEN), parameters, swing);
}

/** @param parameters of the network of features */
export async function writeBundle(
  directory: string,
  contract: Contract,
  parameters: Float32Array,
  swing: Swing,
): Promise<string> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, 'policy.safetensors');
  const hidden = contract.network.layers.slice(1, -1);
  await writeFile(path, encodeBundle(contract, bundleParameters(parameters, hidden)));
  await writeFile(join(directory, 'swing.json'), `${JSON.stringify(swing)}\n`);
  return path;
}
