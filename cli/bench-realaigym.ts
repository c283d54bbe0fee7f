/** `landfall bench realaigym`: policies judged by the rules of the RealAIGym leaderboards, beside what is published there. */

import type { Command } from 'commander';
import { ourEntries } from '../bench/realaigym/entries.ts';
import {
  type JudgedTask,
  judge,
  judged,
  judgedTasks,
  performanceCriteria,
  performanceOf,
  type Verdict,
} from '../bench/realaigym/judge.ts';
import { onnxRun } from '../bench/realaigym/onnx-run.ts';
import { policyController, policyLoop } from '../bench/realaigym/policy-controller.ts';
import { published } from '../bench/realaigym/published.ts';
import { InputError } from '../core/errors.ts';
import { Actor } from '../policy/actor.ts';
import { loadBundle } from '../policy/checkpoint.ts';
import { numberWithin } from './option-values.ts';

interface BenchRealaigymOptions {
  readonly seed: number;
  readonly robustness: boolean;
  readonly directory: string;
  readonly json?: boolean;
}

type Judged = Verdict & {
  readonly policy: string;
  /** The performance of its ONNX file in ONNX Runtime; null where that is not installed. */
  readonly onnxPerformance: number | null;
};

export function register(bench: Command): void {
  bench
    .command('realaigym')
    .summary('policies on the RealAIGym leaderboards')
    .description(
      'Judge policies of acrobot, pendubot and pendulum by the RealAIGym leaderboards: published equations, published criteria.',
    )
    .argument(
      '[runs...]',
      'a run, checkpoint or bundle of each task to judge; without any our own, trained first where they are not there yet',
    )
    .option('--seed <n>', 'of noise and perturbations', numberWithin({ min: 0, integer: true }), 1)
    .option('--no-robustness', 'performance alone')
    .option('--directory <dir>', 'where our own are kept', 'runs/realaigym')
    .option('--json', 'print one JSON object')
    .action(async (runs: string[], options: BenchRealaigymOptions) => {
      const tasks: Partial<Record<JudgedTask, Judged>> = {};
      const say = (text: string) => process.stderr.write(`${text}\n`);
      for (const given of runs.length > 0 ? runs : await ourEntries(options.directory, say)) {
        const bundle = await loadBundle(given);
        const { contract, weights, path } = bundle;
        const task = judgedTasks.find((name) => name === contract.robot.name);
        if (task === undefined || tasks[task] !== undefined) {
          throw new InputError(
            `${path}: a policy for ${contract.robot.name}${task === undefined ? '' : ', which another one is for too'}`,
            { repair: `give one policy each for some of ${judgedTasks.join(', ')}` },
          );
        }
        const { joints, driven, dt } = judged[task];
        const loop = policyLoop(contract, joints, driven, dt);
        const controller = policyController(loop, new Actor(contract, weights));
        const onProgress = (done: number, total: number) => {
          if (done % 100 === 0) say(`${task}: ${done} of ${total} trials`);
        };
        const run = await onnxRun(task, bundle);
        const onnx = run === null ? null : performanceOf(task, performanceCriteria(task, run));
        const verdict = judge(task, controller, { ...options, onProgress });
        tasks[task] = { policy: path, onnxPerformance: onnx, ...verdict };
      }
      process.stdout.write(options.json === true ? `${JSON.stringify({ tasks })}\n` : `${report(tasks)}\n`);
    });
}

/** The verdicts as Markdown tables, as docs/results.md keeps them. */
function report(tasks: Partial<Record<JudgedTask, Judged>>): string {
  return judgedTasks
    .flatMap((task) => {
      const verdict = tasks[task];
      return verdict === undefined ? [] : [tableOf(task, verdict)];
    })
    .join('\n\n');
}

function tableOf(
  task: JudgedTask,
  { policy, performance, robustness, criteria, robustnessDetail, onnxPerformance: onnx }: Judged,
): string {
  const { success, swingUpTime, energy, torqueCost, torqueSmoothness, velocityCost } = criteria;
  const score = (value: number | null) => (value === null ? '-' : value.toFixed(3));
  const rows = [
    { name: 'this policy', performance, robustness },
    ...published[task].map((entry) => ({ ...entry, name: `${entry.name}${entry.learned ? '' : ' (not learned)'}` })),
  ].sort((a, b) => b.performance - a.performance);
  return [
    `${task}: ${policy}`,
    '',
    `${success ? 'up' : 'not up'} after ${swingUpTime.toFixed(2)} s, ${energy.toFixed(2)} J, torque cost ${torqueCost.toFixed(2)} N2m2s, smoothness ${torqueSmoothness.toFixed(4)} N m, velocity cost ${velocityCost.toFixed(1)} rad2/s`,
    ...(onnx === null ? [] : [`its ONNX file in ONNX Runtime: ${onnx.toFixed(3)}`]),
    ...(robustnessDetail === null ? [] : [sharesOf(robustnessDetail.shares)]),
    '',
    '| controller | performance | robustness |',
    '|---|--:|--:|',
    ...rows.map((row) => `| ${row.name} | ${score(row.performance)} | ${score(row.robustness)} |`),
  ].join('\n');
}

function sharesOf(shares: Readonly<Record<string, number>>): string {
  return Object.entries(shares)
    .map(([name, share]) => `${name} ${(100 * share).toFixed(1)}%`)
    .join(', ');
}
