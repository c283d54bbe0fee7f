/** The robots that commands know by name. Add one by its URDF and its settings in `configs/robots/`, and a line here. */

import { acrobot } from './robots/acrobot.ts';
import { arm } from './robots/arm.ts';
import { cartpole } from './robots/cartpole.ts';
import { pendubot } from './robots/pendubot.ts';
import { pendulum } from './robots/pendulum.ts';
import { quadrotor } from './robots/quadrotor.ts';
import { quadruped } from './robots/quadruped.ts';
import type { RobotConfig } from './robots/robot-config.ts';
import { rover } from './robots/rover.ts';

export type { RobotConfig } from './robots/robot-config.ts';

/** Sources lie in the package's root, compiled files in `dist/`; the URDFs lie in the root only. */
const packageRoot = new URL(import.meta.url.endsWith('.ts') ? '../' : '../../', import.meta.url);

const urdfOf = (name: string) => new URL(`configs/robots/${name}.urdf`, packageRoot);

export const robots: Readonly<Record<string, RobotConfig>> = {
  pendulum: { urdf: urdfOf('pendulum'), ...pendulum },
  cartpole: { urdf: urdfOf('cartpole'), ...cartpole },
  acrobot: { urdf: urdfOf('acrobot'), ...acrobot },
  pendubot: { urdf: urdfOf('pendubot'), ...pendubot },
  arm: { urdf: urdfOf('arm'), ...arm },
  rover: { urdf: urdfOf('rover'), ...rover },
  quadruped: { urdf: urdfOf('quadruped'), ...quadruped },
  quadrotor: { urdf: urdfOf('quadrotor'), ...quadrotor },
};
