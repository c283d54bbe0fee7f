/** Swing up and balance the pendubot, the double pendulum whose shoulder is driven. What it shares stands in double-pendulum.ts. */

import { pendubotReference } from '../references/pendubot.ts';
import { doublePendulumTask } from './double-pendulum.ts';

export const pendubot = doublePendulumTask('pendubot', 'shoulder', pendubotReference);
