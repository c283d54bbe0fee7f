/**
 * A task that takes adaptation: hold a pendulum at an angle, with a load and a motor strength that differ from episode to episode
 * and that only a simulation knows. What torque it takes follows from them; the history of angles and actions tells.
 */

import { exp } from '../../core/math.ts';
import { defineTask } from '../../sim/task.ts';
import { pendulum } from '../../sim/tasks/pendulum.ts';
import { registerTask } from './local-pool.ts';

const { adr: _, ...rest } = pendulum;
const plain = { joints: ['shoulder'], scale: 1, clip: null, history: 1, delay: 0 };
/** rad: within reach of the weakest motor under the heaviest load. */
const HELD = 0.25;

export const payloadPendulum = defineTask({
  ...rest,
  name: 'payload-pendulum',
  episodeSeconds: 2,
  observations: [
    { ...plain, name: 'angle', term: 'joint_position', scale: 2 },
    { ...plain, name: 'velocity', term: 'joint_velocity', scale: 0.3 },
    { ...plain, name: 'last_action', term: 'last_action' },
  ],
  criticObservations: [
    { ...plain, name: 'angle', term: 'joint_position', scale: 2 },
    { ...plain, name: 'velocity', term: 'joint_velocity', scale: 0.3 },
    { ...plain, joints: [], name: 'robot', term: 'parameter', of: ['massScale', 'torqueScale'] },
  ],
  rewards: {
    held: {
      weight: 1,
      fn: ({ state }) => exp(-(((state.q[0]! - HELD) / 0.05) ** 2)),
      doc: 'at the angle, to 0.05 rad',
    },
    near: { weight: -1, fn: ({ state }) => Math.abs(state.q[0]! - HELD), doc: 'off the angle, rad' },
    slow: { weight: -0.05, fn: ({ state }) => state.qd[0]! ** 2, doc: 'velocity squared' },
  },
  randomization: {
    massScale: { operation: 'scale', range: [0.4, 1.3] },
    torqueScale: { operation: 'scale', range: [1, 2] },
  },
  start(random, _training, { q, qd }) {
    q[0] = HELD + random.between(-0.2, 0.2);
    qd[0] = random.between(-0.5, 0.5);
  },
});
registerTask(payloadPendulum);
