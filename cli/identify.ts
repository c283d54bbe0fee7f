/** `landfall identify ROBOT --episodes FILE...`: fits the simulator to recordings and says what they tell and what not. */

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { importEpisode } from '../bridge/importers/import-episode.ts';
import type { Episode } from '../core/episode.ts';
import { InputError, MismatchError } from '../core/errors.ts';
import { foldIn, keyOf } from '../core/rng.ts';
import { jointNames } from '../core/robot-model.ts';
import { loadRobot } from '../loop/experiment.ts';
import { deltaOfGroup, drivesOf } from '../loop/gap-models.ts';
import { writeJson } from '../policy/checkpoint.ts';
import { nominalDynamics, parameterUnits } from '../sim/dynamics.ts';
import type { ChosenDelta } from '../sim/identify/delta-choice.ts';
import { type Distribution, distributionOf } from '../sim/identify/distribution.ts';
import { budgets, type Identification, type IdentifiedGroup, identify, TRAIN_SHARE } from '../sim/identify/identify.ts';
import { parameterFileOf } from '../sim/identify/parameter-file.ts';
import { type Recording, recordingOf } from '../sim/identify/recording.ts';
import { checkStructure, type StructureCheck } from '../sim/identify/structure.ts';
import { settleTorque } from '../sim/identify/torque-check.ts';
import { makeWorkerEvaluator } from '../sim/identify/worker-evaluator.ts';
import { tasks } from '../sim/tasks/index.ts';
import { numberWithin } from './option-values.ts';

/** Windows that the structure check draws together. */
const STRUCTURE_BLOCK = 3;

interface IdentifyFlags {
  readonly episodes: readonly string[];
  readonly out: string;
  readonly seed: number;
  readonly quick?: boolean;
  readonly json?: boolean;
  readonly distribution?: boolean;
  readonly delta?: string;
  readonly actuatorNet?: string;
}

export function register(program: Command): void {
  program
    .command('identify')
    .summary('fit the simulator to recordings')
    .description(
      'Fit the physical parameters of the simulator to recordings, say how certain each is, and which recordings one parameter set explains together.\n\nExample:\n  landfall identify pendulum --episodes episodes/*.mcap --out parameters.json\n  landfall identify pendulum --episodes episodes/*.mcap --distribution --delta delta.json',
    )
    .argument('<robot>', 'a robot of configs/robots.ts, such as pendulum')
    .requiredOption('--episodes <files...>', 'recordings: .mcap, or .csv of a known format')
    .option('--out <file>', 'the parameter file', 'parameters.json')
    .option('--seed <n>', 'of the search', numberWithin({ min: 0, integer: true }), 1)
    .option('--quick', 'a rougher search')
    .option('--distribution', 'mean and deviation of each parameter (DROPO), which training then draws from')
    .option('--delta <file>', 'also learn what to add to actions in training (ASAP): train TASK delta=FILE')
    .option('--actuator-net <file>', 'also learn each drive as a network, from episodes with measured torque')
    .option('--json', 'one JSON object')
    .action(run);
}

async function run(name: string, flags: IdentifyFlags): Promise<void> {
  const { model } = await loadRobot(name);
  const task = Object.values(tasks).find((candidate) => candidate.robot === name);
  if (task === undefined) throw new InputError(`no task uses robot ${name}, so its physics step is not known`);
  const robot = { urdf: model.urdf, physics: task.physics, nominal: nominalDynamics(model) };
  const recordings: Recording[] = [];
  for (const path of flags.episodes) recordings.push(await open(path, jointNames(model).length, robot));
  const evaluator = makeWorkerEvaluator(robot, recordings, availableParallelism());
  try {
    const found = await identify(robot, recordings, evaluator, {
      budget: flags.quick === true ? budgets.quick : budgets.thorough,
      key: keyOf(flags.seed),
      onProgress: (message) => process.stderr.write(`${message}\n`),
    });
    const group = found.groups[0]!;
    const key = keyOf(flags.seed);
    const say = (message: string) => process.stderr.write(`${message}\n`);
    const { disturbances } = found;
    const distribution =
      flags.distribution === true
        ? await distributionOf(
            { evaluator, recordings, group, disturbances, share: TRAIN_SHARE },
            { key: foldIn(key, 31), onProgress: say },
          )
        : null;
    const file = parameterFileOf(group, recordings, model, task.physics, flags.seed, distribution?.spreads);
    await writeJson(flags.out, file);
    const structure = await checkStructure(group, recordings, STRUCTURE_BLOCK, foldIn(key, 34));
    const learned = await learnMore(flags, async () => {
      say('delta action');
      const of = { name: model.name, urdfHash: model.urdfHash };
      return deltaOfGroup(evaluator, recordings, group, disturbances, of, foldIn(key, 32));
    });
    process.stdout.write(
      flags.json === true
        ? `${JSON.stringify({ out: flags.out, structure: { ratio: structure.ratio, misfit: structure.misfit, suspect: structure.suspect }, groups: found.groups.map((g) => g.members.map((i) => recordings[i]!.name)), ...file })}\n`
        : `${[report(found, recordings, jointNames(model)), structureLine(structure), ...spreadLines(distribution), ...learned].join('\n')}\nwrote ${flags.out}\n  landfall train ${task.name} dynamics=${flags.out}${flags.delta === undefined ? '' : ` delta=${flags.delta}`}\n`,
    );
  } finally {
    await evaluator.close();
  }
}

/** Writes what else was asked for. @returns what to say of it */
async function learnMore(flags: IdentifyFlags, delta: () => Promise<ChosenDelta>): Promise<string[]> {
  const lines: string[] = [];
  if (flags.delta !== undefined) {
    const { model, how, relativeLoss } = await delta();
    await writeJson(flags.delta, model);
    lines.push(
      how === 'none'
        ? `delta action: none helps on windows it has not seen; ${flags.delta} changes nothing`
        : `delta action, ${how}: ${(100 * (1 - relativeLoss)).toFixed(0)}% less loss on windows it has not seen; wrote ${flags.delta}`,
    );
  }
  if (flags.actuatorNet !== undefined) {
    const episodes: Episode[] = [];
    for (const path of flags.episodes) episodes.push(await importEpisode(path));
    const drives = drivesOf(episodes, foldIn(keyOf(flags.seed), 33));
    const actuators = Object.fromEntries(drives.map(({ joint, network }) => [joint, { kind: 'network', network }]));
    await writeJson(flags.actuatorNet, actuators);
    for (const { joint, error, linearError } of drives) {
      lines.push(
        `drive of ${joint}: ${error.toFixed(3)} N m off on torque it has not seen, a linear drive ${linearError.toFixed(3)}; wrote ${flags.actuatorNet}`,
      );
    }
  }
  return lines;
}

function structureLine({ ratio, misfit, suspect }: StructureCheck): string {
  const figures = `between parts of the data parameters move ${ratio.toFixed(1)} times as much as the sensors' noise explains, residuals are ${misfit.toFixed(1)} times it`;
  return suspect
    ? `structure: something moves this robot that no parameter stands for (${figures}); the certainties above are too good`
    : `structure: nothing against it (${figures})`;
}

function spreadLines(distribution: Distribution | null): string[] {
  if (distribution === null) return [];
  return [
    'distribution (DROPO), what training draws from:',
    ...distribution.spreads.map(({ parameter, mean, sd, informed }) =>
      informed
        ? `  ${parameter.name.padEnd(14)} ${mean.toFixed(4).padStart(9)} ± ${sd.toFixed(4)} ${parameterUnits[parameter.name]}`
        : `  ${parameter.name.padEnd(14)} not told: the task's own range stays`,
    ),
  ];
}

async function open(path: string, nJoints: number, robot: Parameters<typeof settleTorque>[0]): Promise<Recording> {
  if (!existsSync(path)) throw new InputError(`${path}: no such recording`, { repair: 'give .mcap or .csv files' });
  const recording = recordingOf(await importEpisode(path), path);
  if (recording.joints.length !== nJoints) {
    throw new MismatchError(`${path}: should have ${nJoints} joint(s), found ${recording.joints.length}`, {
      repair: 'give recordings of this robot',
    });
  }
  const settled = await settleTorque(robot, recording);
  const { replaced, kept } = settled;
  if (replaced + kept > 0) {
    process.stderr.write(
      `${path}: ${replaced + kept} torque readings far beyond the rest, ${replaced > 0 ? 'replaced: the motion does not show them' : 'kept: the motion shows them'}\n`,
    );
  }
  return settled.recording;
}

function report(found: Identification, recordings: readonly Recording[], joints: readonly string[]): string {
  const lines: string[] = [];
  for (const [k, group] of found.groups.entries()) {
    const names = group.members.map((index) => recordings[index]!.name);
    lines.push(
      `${k === 0 ? 'written' : 'apart from it'}: ${names.join(', ')}`,
      ...parameters(group, joints),
      ...errors(group, recordings),
      '',
    );
  }
  lines.push(verdict(found, recordings));
  return lines.join('\n');
}

function parameters(group: IdentifiedGroup, joints: readonly string[]): string[] {
  return group.estimates.map(({ parameter, value, nominal, relativeSd, identifiable, confoundedWith, atEdge }) => {
    const label =
      parameter.joint === null || joints.length === 1 ? parameter.name : `${parameter.name}.${joints[parameter.joint]}`;
    const certainty = identifiable
      ? `±${(100 * relativeSd).toFixed(1)}%`
      : `not identifiable${confoundedWith === null ? '' : ` beside ${confoundedWith.name}`}: keeps ${nominal.toFixed(4)}`;
    return `  ${label.padEnd(14)} ${value.toFixed(4).padStart(9)} ${parameterUnits[parameter.name].padEnd(10)} ${certainty}${atEdge ? ', at the edge of its range' : ''}`;
  });
}

function errors(group: IdentifiedGroup, recordings: readonly Recording[]): string[] {
  return group.members.map((index, k) => {
    const { test, nominalTest } = group.errors[k]!;
    return `  open-loop error, last 40% of ${recordings[index]!.name}: ${nominalTest.toFixed(3)} nominal, ${test.toFixed(3)} fitted`;
  });
}

function verdict({ groups }: Identification, recordings: readonly Recording[]): string {
  if (recordings.length === 1) return 'one recording: whether others agree with it, only others can tell';
  if (groups.length === 1) return `one parameter set explains all ${recordings.length} recordings`;
  const sets = groups.map((group) => group.members.map((index) => recordings[index]!.name).join(' + '));
  return `one parameter set does not explain all: ${sets.join(' | ')}; the file holds the first`;
}
