/**
 * Every task that names a symmetry: it is its own inverse, and the simulator has it. A mirrored start under mirrored actions is
 * run beside the original, without noise and pushes and with nominal physics, and observed in the mirror.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import { experiments } from '../../../configs/index.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { type Mirror, mirrorRow, type Symmetry } from '../../../core/symmetry.ts';
import { evaluationRecipe, openExperiment } from '../../../loop/experiment.ts';
import type { Environment } from '../../../sim/environment.ts';
import { makeEnvironments } from '../../../sim/recipe.ts';
import { defineTask, type StartState, type TaskDefinition } from '../../../sim/task.ts';
import { mirrorsOf } from '../../../sim/task-contract.ts';
import { tasks } from '../../../sim/tasks/index.ts';
import { registerTask } from '../../policy/local-pool.ts';

const STEPS = 10;

/**
 * Largest difference of a scaled observation in ten steps. Two of the robots are not symmetric themselves: the quadrotor's
 * products of inertia are 5% of its moments, the quadruped's trunk has its mass 4 mm off the middle, and joints of a chain are
 * solved one after another. The rest are, to the bit.
 */
const TOLERANCE: Readonly<Record<string, number>> = {
  'quadrotor-hover': 0.05,
  'quadruped-velocity': 0.12,
  'quadruped-rough': 0.12,
};

const symmetric = Object.entries(tasks).flatMap(([name, task]) =>
  (task.symmetries ?? []).map((symmetry, k) => ({ name, task, symmetry, k })),
);

it('is said of the pendulums, the carts, the quadrotor and the quadruped', () => {
  expect(new Set(symmetric.map(({ name }) => name))).toEqual(
    new Set([
      'pendulum',
      'acrobot',
      'pendubot',
      'cartpole-balance',
      'cartpole-swingup',
      'quadrotor-hover',
      'quadruped-velocity',
      'quadruped-rough',
    ]),
  );
});

describe.each(symmetric)('$name, $symmetry.name', ({ name, task, symmetry, k }) => {
  let original: Environment;
  let image: Environment;
  let mirror: ReturnType<typeof mirrorsOf>[number];
  /** Numbers of the observation that are the clock's: the mirrored gait is half a turn later, this run is not. */
  let clock: Set<number>;
  beforeAll(async () => {
    const made = await Promise.all([open(name, task, symmetry, false), open(name, task, symmetry, true)]);
    original = made[0].environment;
    image = made[1].environment;
    mirror = mirrorsOf(task, made[0].contract)[k]!;
    clock = new Set();
    let at = 0;
    for (const { term, size } of made[0].contract.observations) {
      for (let i = 0; i < size; i++) if (term === 'clock') clock.add(at + i);
      at += size;
    }
  });

  it('done twice changes nothing', () => {
    for (const part of [mirror.obs, mirror.criticObs, mirror.action]) {
      if (part === null) continue;
      const row = Float32Array.from(part.index, (_, i) => i + 1);
      expect(mirrored(part, mirrored(part, row))).toEqual(row);
      expect(mirrored(part, row)).not.toEqual(row);
    }
  });

  it('holds in the simulator', () => {
    const random = new RandomStream(keyOf(3));
    const obs = new Float32Array(original.observer.size);
    const seen = obs.slice();
    original.reset(0, obs, 0);
    image.reset(0, seen, 0);
    const action = new Float32Array(original.actuation.size);
    let worst = 0;
    let unmirrored = 0;
    for (let t = 0; t <= STEPS; t++) {
      const expected = mirrored(mirror.obs, obs);
      for (let i = 0; i < obs.length; i++) {
        if (clock.has(i)) continue;
        worst = Math.max(worst, Math.abs(seen[i]! - expected[i]!));
        unmirrored = Math.max(unmirrored, Math.abs(seen[i]! - obs[i]!));
      }
      for (let i = 0; i < action.length; i++) action[i] = random.between(-0.4, 0.4);
      original.step(action, 0, obs, 0);
      image.step(mirrored(mirror.action, action), 0, seen, 0);
    }
    expect(worst).toBeLessThanOrEqual(TOLERANCE[name] ?? 0);
    // It could have failed: without the mirror they differ.
    expect(unmirrored).toBeGreaterThan(0.5);
  });
});

function mirrored(mirror: Mirror, row: Float32Array): Float32Array {
  const out = new Float32Array(row.length);
  mirrorRow(mirror, row, 0, out, 0);
  return out;
}

/** An environment of the task without anything random, started somewhere crooked or in the mirror image of it. */
async function open(name: string, task: TaskDefinition, symmetry: Symmetry, isImage: boolean) {
  const known = `${name}-${symmetry.name}-${isImage ? 'image' : 'original'}`;
  const { pushes: _, curriculum: __, adr: ___, ...rest } = task;
  registerTask(
    defineTask({
      ...rest,
      name: known,
      quality: {},
      randomization: {},
      ...(task.command === undefined
        ? {}
        : {
            command: {
              ...task.command,
              everySeconds: null,
              sample(random, scene, start, out) {
                task.command!.sample(random, scene, start, out);
                for (const [i, command] of task.command!.names.entries())
                  if (isImage) out[i] = out[i]! * (symmetry.command?.[command] ?? 1);
              },
            },
          }),
      ...(task.scene === undefined ? {} : { scene: (random) => task.scene!(random, 0) }),
      start(random, _training, out, scene) {
        task.start(random, true, out, scene);
        if (isImage) mirrorStart(out, symmetry, jointNames);
      },
    }),
  );
  const config = Object.values(experiments).find((entry) => entry.task === name)!;
  const experiment = await openExperiment({ ...config, task: known, randomization: 0 });
  const jointNames = experiment.contract.joints.map((joint) => joint.name);
  const recipe = evaluationRecipe(experiment, experiment.contract, 'rapier', 1);
  const [environment] = await makeEnvironments({ ...recipe, robot: { ...recipe.robot!, quality: {} } }, 0, 1);
  return { environment: environment!, contract: experiment.contract };
}

function mirrorStart({ q, qd, base, twist }: StartState, { axes, joints }: Symmetry, names: readonly string[]): void {
  for (const values of [q, qd]) {
    const before = values.slice();
    for (const [j, name] of names.entries()) {
      const [to, sign] = joints[name]!;
      values[names.indexOf(to)] = sign * before[j]!;
    }
  }
  // Position and velocity are polar, the quaternion's vector and the angular velocity axial.
  const det = axes[0] * axes[1] * axes[2];
  for (let k = 0; k < 3; k++) {
    base[k] = base[k]! * axes[k]!;
    base[3 + k] = base[3 + k]! * det * axes[k]!;
    twist[k] = twist[k]! * axes[k]!;
    twist[3 + k] = twist[3 + k]! * det * axes[k]!;
  }
}
