/** A robot of continuous joints in a row, each 0.5 m above the one before and turning about y. */

import type { Joint, Link, RobotModel, Shape } from '../../../core/robot-model.ts';

const IDENTITY = [0, 0, 0, 1] as const;

/** @param shapes what every link but the base looks like */
export function chainModel(names: readonly string[], shapes: readonly Shape[] = []): RobotModel {
  const link = (name: string, visuals: readonly Shape[]): Link => ({ name, inertial: null, visuals, collisions: [] });
  const links = [link('base', []), ...names.map((name) => link(`${name}_link`, shapes))];
  const joints = names.map(
    (name, i): Joint => ({
      name,
      type: 'continuous',
      parent: i,
      child: i + 1,
      origin: { xyz: [0, 0, 0.5], quat: IDENTITY },
      axis: [0, 1, 0],
      lower: -Infinity,
      upper: Infinity,
      velocity: Infinity,
      effort: Infinity,
      damping: 0,
      friction: 0,
      mimic: null,
    }),
  );
  return {
    name: 'chain',
    urdfHash: '',
    urdf: '',
    base: 'fixed',
    links,
    joints,
    dof: joints.map((_, i) => i),
    meshes: {},
    notes: [],
  };
}
