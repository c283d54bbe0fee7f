/** Swing up and balance the acrobot, the double pendulum whose elbow is driven. What it shares stands in double-pendulum.ts. */

import { acrobotReference } from '../references/acrobot.ts';
import { doublePendulumTask } from './double-pendulum.ts';

export const acrobot = doublePendulumTask('acrobot', 'elbow', acrobotReference);
