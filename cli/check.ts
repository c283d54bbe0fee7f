/** `landfall check FILE.urdf`: what the importer makes of a robot, what it repaired, and whether the simulator can run it. */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { InputError } from '../core/errors.ts';
import { keyOf, RandomStream } from '../core/rng.ts';
import { makeCommand } from '../core/robot.ts';
import type { RobotModel } from '../core/robot-model.ts';
import { type Dynamics, nominalDynamics } from '../sim/dynamics.ts';
import { loadRapier, RapierRobot } from '../sim/rapier-robot.ts';
import { parseUrdf } from '../sim/urdf.ts';

const SECONDS = 2;
const STEP = 0.01;
const PHYSICS = { physicsDt: 0.005, solverIterations: 4 };
/** Torque of the random run where the file names no limit, N m. */
const DEFAULT_EFFORT = 1;

export function register(program: Command): void {
  program
    .command('check')
    .summary('check a URDF')
    .description(
      'Read a URDF, say what was repaired and what is missing, and run the robot with zero and random torques.',
    )
    .argument('<file>', 'a .urdf file')
    .action(check);
}

async function check(file: string): Promise<void> {
  if (!existsSync(file)) throw new InputError(`${file}: no such file`, { repair: 'give the path of a .urdf file' });
  const model = parseUrdf(await readFile(file, 'utf8'), {
    where: file,
    hasMesh: (mesh) => findMesh(file, mesh) !== undefined,
  });
  process.stdout.write(`${describe(model)}\n`);
  const rapier = await loadRapier();
  const dynamics = finiteLimits(nominalDynamics(model));
  const robot = new RapierRobot(rapier, model, dynamics, PHYSICS);
  for (const name of ['zero', 'random'] as const)
    process.stdout.write(`${name.padEnd(7)} ${trial(robot, dynamics, name)}\n`);
  robot.close();
}

function describe(model: RobotModel): string {
  const mass = model.links.reduce((sum, link) => sum + (link.inertial?.mass ?? 0), 0);
  const limit = (value: number, unit: string) => (Number.isFinite(value) ? `${value} ${unit}` : 'no limit');
  return [
    `${model.name}: ${model.links.length} links, ${model.joints.length} joints (${model.dof.length} move), ${mass.toFixed(4)} kg`,
    ...model.dof.map((j) => {
      const joint = model.joints[j]!;
      return `  ${joint.name.padEnd(16)} ${joint.type.padEnd(10)} ${limit(joint.effort, 'N m')}, ${limit(joint.velocity, 'rad/s')}, damping ${joint.damping}, friction ${joint.friction}`;
    }),
    ...model.notes.map((note) => `note: ${note}`),
  ].join('\n');
}

function finiteLimits(dynamics: Dynamics): Dynamics {
  return {
    ...dynamics,
    torqueLimit: dynamics.torqueLimit.map((limit) => (Number.isFinite(limit) ? limit : DEFAULT_EFFORT)),
  };
}

/** @throws NumericError when the simulation does not stay finite */
function trial(robot: RapierRobot, dynamics: Dynamics, kind: 'zero' | 'random'): string {
  const n = robot.model.dof.length;
  const random = new RandomStream(keyOf(1));
  const command = makeCommand(n);
  robot.reset(new Float64Array(n).fill(0.3), new Float64Array(n));
  let fastest = 0;
  for (let t = 0; t < SECONDS; t += STEP) {
    for (let j = 0; j < n; j++) {
      const limit = dynamics.torqueLimit[j]!;
      command.effort[j] = kind === 'zero' ? 0 : random.between(-limit, limit);
    }
    robot.act(command);
    robot.step(STEP);
    for (const speed of robot.truth.qd) fastest = Math.max(fastest, Math.abs(speed));
  }
  return `${SECONDS} s, ends at ${Array.from(robot.truth.q, (q) => q.toFixed(3)).join(' ')} rad, fastest ${fastest.toFixed(2)} rad/s`;
}

/** The file behind a mesh reference: relative, or package://NAME/... searched upwards from the URDF. */
function findMesh(urdf: string, mesh: string): string | undefined {
  const folder = dirname(resolve(urdf));
  if (!mesh.startsWith('package://')) {
    const path = resolve(folder, mesh.replace(/^file:\/\//, ''));
    return existsSync(path) ? path : undefined;
  }
  const [name, ...rest] = mesh.slice('package://'.length).split('/');
  for (let up = folder; ; up = dirname(up)) {
    const candidates = [
      join(up, name!, ...rest),
      ...(basename(up) === name || up === folder ? [join(up, ...rest)] : []),
    ];
    const found = candidates.find((path) => existsSync(path));
    if (found !== undefined || dirname(up) === up) return found;
  }
}
