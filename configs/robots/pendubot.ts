/** The pendubot, the double pendulum whose shoulder is driven: the acrobot's machine with the other motor. Data only. */

import { acrobot } from './acrobot.ts';
import type { RobotSettings } from './robot-config.ts';

export const pendubot: RobotSettings = {
  ...acrobot,
  // The shoulder to hanging, where gravity already holds it with (0.241 + 0.181) * 9.81 = 4.1 N m/rad; kd 0.8 is
  // 0.8 / (2 sqrt(6.1 * 0.18)) = 0.38 of critical, straight links' inertia 0.18 kg m2. The elbow has no motor: it swings out.
  gains: { shoulder: { kp: 2, kd: 0.8 }, elbow: { kp: 0, kd: 0 } },
};
