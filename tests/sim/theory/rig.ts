/** Robots without friction in Rapier and Runge-Kutta of equations of motion, for the theory tests. */

import { readFileSync } from 'node:fs';
import { robots } from '../../../configs/robots.ts';
import type { RobotModel } from '../../../core/robot-model.ts';
import { type Dynamics, nominalDynamics } from '../../../sim/dynamics.ts';
import { loadRapier, type PhysicsSettings } from '../../../sim/rapier.ts';
import { RapierRobot } from '../../../sim/rapier-robot.ts';
import { parseUrdf } from '../../../sim/urdf.ts';

const rapier = await loadRapier();

export function modelNamed(name: string): RobotModel {
  const { urdf, base } = robots[name]!;
  return parseUrdf(readFileSync(urdf, 'utf8'), { where: name, base });
}

/** No friction, no rotors, ideal motors. */
export function idealRobot(model: RobotModel, physics: PhysicsSettings, changes: Partial<Dynamics> = {}): RapierRobot {
  const none = model.dof.map(() => 0);
  const dynamics = { ...nominalDynamics(model), damping: none, friction: none, armature: none, ...changes };
  return new RapierRobot(rapier, model, dynamics, physics);
}

/** The classical method of order 4 for xd = f(x). @returns the state after each of `samples` intervals of `dt` */
export function integrate(
  f: (x: readonly number[]) => number[],
  start: readonly number[],
  dt: number,
  samples: number,
  substeps: number,
): number[][] {
  const h = dt / substeps;
  const along = (x: readonly number[], k: readonly number[], s: number) => x.map((v, i) => v + s * k[i]!);
  let x = [...start];
  return Array.from({ length: samples }, () => {
    for (let s = 0; s < substeps; s++) {
      const k1 = f(x);
      const k2 = f(along(x, k1, h / 2));
      const k3 = f(along(x, k2, h / 2));
      const k4 = f(along(x, k3, h));
      x = x.map((v, i) => v + (h / 6) * (k1[i]! + 2 * k2[i]! + 2 * k3[i]! + k4[i]!));
    }
    return x;
  });
}

/** p of error ~ h^p between a coarse and a fine step. */
export function orderOf(coarse: number, fine: number, ratio = 2): number {
  return Math.log(coarse / fine) / Math.log(ratio);
}
