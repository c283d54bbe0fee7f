/** `landfall check FILE.urdf`: what the importer makes of a robot, what it repaired, and whether the simulator can run it. */

import { type Command, Option } from 'commander';
import { LandfallError } from '../core/errors.ts';
import type { Joint, RobotModel } from '../core/robot-model.ts';
import { loadUrdf } from '../loop/robot-files.ts';
import { type Trial, tryRobot } from '../loop/robot-trial.ts';
import { numberWithin } from './option-values.ts';

interface CheckOptions {
  readonly base?: 'fixed' | 'floating';
  readonly seconds: number;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command('check')
    .summary('check a URDF')
    .description(
      [
        'Read a URDF, say what was repaired and what is missing, and run the robot with zero and random torques.',
        'Exit status 0 when both runs are sound, 1 when one is not, 2 when the file cannot be read.',
        '',
        'Examples:',
        '  landfall check arm.urdf',
        '  landfall check quadruped.urdf --base floating --seconds 60',
      ].join('\n'),
    )
    .argument('<file>', 'a .urdf file')
    .addOption(
      new Option(
        '--base <kind>',
        'whether the root link is bolted to the world or moves (default: as the file says)',
      ).choices(['fixed', 'floating']),
    )
    .option('--seconds <s>', 'simulated time of each run', numberWithin({ min: 0.1, max: 3600 }), 5)
    .option('--json', 'one JSON object')
    .action(check);
}

async function check(file: string, { base, seconds, json }: CheckOptions): Promise<void> {
  const model = await loadUrdf(file, base === undefined ? {} : { base });
  if (json !== true) process.stdout.write(`${describe(model)}\n`);
  const trials: Record<string, Trial> = {};
  for (const torques of ['none', 'random'] as const) {
    trials[torques] = await tryRobot(model, torques, seconds);
    if (json !== true)
      process.stdout.write(`${torques === 'none' ? 'zero  ' : 'random'}  ${sentence(trials[torques])}\n`);
  }
  if (json === true) process.stdout.write(`${JSON.stringify({ ...summary(model), trials })}\n`);
  const problem = Object.values(trials).find((trial) => trial.problem !== null)?.problem;
  if (problem !== undefined) {
    throw new LandfallError(`${file}: the robot does not run: ${problem}`, {
      repair: 'look at the masses and inertias of the links it names: far too small ones let a robot explode',
    });
  }
}

function summary(model: RobotModel) {
  const mass = model.links.reduce((sum, link) => sum + (link.inertial?.mass ?? 0), 0);
  return {
    name: model.name,
    base: model.base,
    mass,
    links: model.links.length,
    joints: model.dof.map((j) => model.joints[j]!.name),
    notes: model.notes,
  };
}

function describe(model: RobotModel): string {
  const { mass } = summary(model);
  const width = Math.max(8, ...model.joints.map(({ name }) => name.length));
  return [
    `${model.name}: ${model.links.length} links, ${model.dof.length} of ${model.joints.length} joints move, ${mass.toFixed(3)} kg, base ${model.base}`,
    '',
    `${'joint'.padEnd(width)}  type        range                effort      speed        damping  friction`,
    ...model.joints.filter(({ type }) => type !== 'fixed').map((joint) => row(joint, width, model)),
    '',
    `${'link'.padEnd(width)}  mass`,
    ...model.links.map(
      ({ name, inertial }) => `${name.padEnd(width)}  ${inertial === null ? 'none' : `${inertial.mass} kg`}`,
    ),
    '',
    ...(model.notes.length === 0 ? ['nothing had to be repaired'] : model.notes.map((note) => `note: ${note}`)),
    '',
  ].join('\n');
}

function row(joint: Joint, width: number, model: RobotModel): string {
  const { name, type, lower, upper, effort, velocity, damping, friction, mimic } = joint;
  const angle = type === 'prismatic' ? 'm' : 'rad';
  const limit = (value: number, unit: string) =>
    Number.isFinite(value) ? `${Number(value.toPrecision(4))} ${unit}` : 'none';
  const range =
    Number.isFinite(lower) || Number.isFinite(upper) ? `${lower.toFixed(2)} to ${upper.toFixed(2)} ${angle}` : 'none';
  const cells = [
    name.padEnd(width),
    (mimic === null ? type : `follows ${model.joints[mimic.joint]!.name}`).padEnd(10),
    range.padEnd(19),
    limit(effort, type === 'prismatic' ? 'N' : 'N m').padEnd(10),
    limit(velocity, `${angle}/s`).padEnd(11),
    String(damping).padEnd(7),
    String(friction),
  ];
  return cells.join('  ');
}

function sentence({ seconds, fastest, separation, drift, q, problem }: Trial): string {
  if (problem !== null) return `stopped after ${seconds.toFixed(2)} s: ${problem}`;
  const ends = q.length <= 8 ? `, ends at ${q.map((value) => value.toFixed(3)).join(' ')}` : '';
  const moved = drift > 0 ? `, base moved ${(1000 * drift).toFixed(2)} mm after it had settled` : '';
  return `${seconds.toFixed(0)} s, fastest joint ${fastest.toFixed(2)}, joints within ${(1000 * separation).toFixed(3)} mm${moved}${ends}`;
}
