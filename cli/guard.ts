/** `landfall guard RUN --episodes DIR`: learns how a robot behaves when all is well, so that a deployment stops when it is not. */

import { relative } from 'node:path';
import { listEpisodes } from '../bridge/episode-files.ts';
import { InputError } from '../core/errors.ts';
import { keyOf } from '../core/rng.ts';
import { openBackend } from '../policy/backend.ts';
import { guardPath, loadBundle, writeAtomically } from '../policy/checkpoint.ts';
import { episodesNeeded, expectedFalseAlarms, falseAlarmBound } from '../policy/guard/conformal.ts';
import { encodeGuard, policyHash } from '../policy/guard/guard-file.ts';
import { featureCount } from '../policy/guard/guard-model.ts';
import { traceOf } from '../policy/guard/trace.ts';
import { LEAST_OWN, type TrainedGuard, trainGuard } from '../policy/guard/train-guard.ts';
import { resolveRun } from '../policy/run-directory.ts';
import type { Register } from './commands.ts';
import { numberWithin } from './option-values.ts';

interface GuardOptions {
  readonly episodes: string;
  readonly alpha: number;
  readonly seed: number;
  readonly json?: boolean;
  readonly runs: string;
}

export const register: Register = (program) => {
  program
    .command('guard')
    .summary('learn from recorded episodes when to stop the robot')
    .description(
      [
        'Learn from recorded episodes in which all was well how the robot behaves under this policy, and from others of',
        'them how far it strays at most. A deployment then damps the robot when it strays further; an operator arms again.',
        '',
        'Example:',
        '  landfall guard latest --episodes episodes',
      ].join('\n'),
    )
    .argument('<run>', 'a run, a checkpoint, a file, or latest')
    .requiredOption('--episodes <dir>', 'directory of .mcap recordings of this policy on this robot')
    .option('--alpha <p>', 'share of good episodes that may be stopped', numberWithin({ min: 0.001, max: 0.5 }), 0.05)
    .option('--seed <n>', 'of the split and of learning', numberWithin({ min: 0, integer: true }), 1)
    .option('--json', 'one JSON object')
    .option('--runs <dir>', 'where runs are kept', 'runs')
    .action(run);
};

async function run(name: string, { episodes: directory, alpha, seed, json, runs }: GuardOptions): Promise<void> {
  const { contract, weights, path } = await loadBundle(await resolveRun(name, runs));
  const files = await listEpisodes(directory);
  const whole = files.map(({ episode }) => episode).filter(({ outcome, meta }) => outcome?.completed && !meta.shadow);
  const say = (text: string) => json !== true && process.stderr.write(`${text}\n`);
  if (whole.length < files.length)
    say(
      `${files.length - whole.length} of ${files.length} episodes were cut off, stopped or not sent, and are left out`,
    );
  if (whole.length === 0) {
    throw new InputError(`${directory}: holds no complete episode`, {
      repair: `landfall deploy ${name} --url ws://... --episodes ${LEAST_OWN + episodesNeeded(alpha)}`,
    });
  }
  const traces = whole.map((episode) => traceOf(episode, contract, weights));
  await openBackend('auto', 'mlp', 'a guard');
  say(`learning from ${traces.length} episodes`);
  const trained = await trainGuard({
    contract,
    policy: policyHash(contract, weights),
    traces,
    features: featureCount(contract),
    alpha,
    key: keyOf(seed),
  });
  const out = guardPath(path);
  await writeAtomically(out, encodeGuard(contract, trained.model));
  process.stdout.write(
    json === true ? `${JSON.stringify(figures(trained, out))}\n` : `${explain(trained, name, out).join('\n')}\n`,
  );
}

function figures({ model, forward, novelty, levels }: TrainedGuard, out: string): Record<string, unknown> {
  const { alpha, threshold, episodes, window, parts } = model;
  const n = episodes.calibration;
  return {
    out,
    calibrated: Number.isFinite(threshold),
    alpha,
    threshold: Number.isFinite(threshold) ? threshold : null,
    episodes,
    expectedFalseAlarms: expectedFalseAlarms(n, alpha),
    falseAlarmBound95: falseAlarmBound(n, alpha),
    window,
    parts,
    forwardLoss: forward?.lastLoss ?? null,
    noveltyLoss: novelty.lastLoss,
    levels,
  };
}

const learned = {
  dynamics: 'where the robot is one step later',
  drift: 'whether it is off a little for longer',
  novelty: 'which situations occur',
  features: 'what the policy makes of them',
} as const;

function explain({ model, levels }: TrainedGuard, name: string, out: string): string[] {
  const { alpha, threshold, parts, window } = model;
  const { fit, scale, calibration } = model.episodes;
  const percent = (share: number) => `${(100 * share).toFixed(1)}%`;
  const head = [
    `learned     ${parts.map((part) => learned[part.name]).join('; ')}`,
    `from        ${fit} episodes, and ${scale} more to see how well`,
  ];
  if (!Number.isFinite(threshold)) {
    const needed = episodesNeeded(alpha);
    return [
      ...head,
      `NOT CALIBRATED: ${calibration} episodes are left, and a limit for ${percent(alpha)} false alarms takes ${needed}. It stops nothing.`,
      `wrote ${relative('.', out) || out}`,
      `  landfall deploy ${name} --url ws://127.0.0.1:9090 --episodes ${Math.max(1, LEAST_OWN + needed - fit - scale - calibration)}`,
    ];
  }
  return [
    ...head,
    `limit       ${threshold.toFixed(2)}, from the ${calibration} other episodes, which reached ${Math.min(...levels).toFixed(2)} to ${Math.max(...levels).toFixed(2)}`,
    `alarm       when ${window.over} of the last ${window.of} steps are above the limit: the robot is damped, and an operator arms again`,
    `expect      ${percent(expectedFalseAlarms(calibration, alpha))} of good episodes stopped, on average over such sets of recordings;`,
    `            with this one set under ${percent(falseAlarmBound(calibration, alpha))} (19 sets in 20), if later episodes are like these`,
    `wrote ${relative('.', out) || out}`,
    `  landfall deploy ${name} --url ws://127.0.0.1:9090`,
  ];
}
