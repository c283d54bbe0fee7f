/** A hand-made contract for the project's pendulum and actors that need no training. */

import type { ActorLike } from '../../bridge/policy-step.ts';
import type { Contract } from '../../core/contract.ts';
import { model } from './server/served-robot.ts';

/** Limits are wide, because tests share their processor: what they hold is order, not punctuality. */
export function pendulumContract(changes: Partial<Contract> = {}): Contract {
  return {
    schema: 2,
    robot: { name: 'pendulum', urdfHash: model.urdfHash },
    joints: [
      {
        name: 'shoulder',
        sign: 1,
        unit: 'rad',
        position: null,
        velocity: 15,
        effort: 1,
        defaultPosition: 0,
        kp: 0.5,
        kd: 0.3,
      },
    ],
    control: { rateHz: 50, physicsDt: 0.002 },
    actions: [
      { name: 'torque', kind: 'effort', joints: ['shoulder'], scale: 1, offset: 0, clip: [-1, 1], rateLimit: null },
    ],
    observations: [
      {
        name: 'angle',
        term: 'joint_position',
        joints: ['shoulder'],
        size: 1,
        unit: 'rad',
        frame: 'joint',
        scale: 1,
        clip: null,
        history: 1,
        delay: 0,
      },
      {
        name: 'velocity',
        term: 'joint_velocity',
        joints: ['shoulder'],
        size: 1,
        unit: 'rad/s',
        frame: 'joint',
        scale: 1,
        clip: null,
        history: 1,
        delay: 0,
      },
    ],
    command: { names: [], units: [], ranges: [] },
    sensors: {},
    normalizer: { mean: [0, 0], variance: [1, 1], count: 0, epsilon: 1e-5, clip: 10 },
    network: { kind: 'mlp', layers: [2, 1], activation: 'tanh' },
    safety: { stateAge: 0.4, roundTrip: 0.4, damping: 0.2 },
    ros: {
      state: { topic: '/joint_states', type: 'sensor_msgs/msg/JointState' },
      command: { topic: '/effort_command', type: 'sensor_msgs/msg/JointState', mapping: 'joint-state-effort' },
      watchdog: { seconds: 0.2, by: 'the test server' },
    },
    engine: { name: 'none', version: '0' },
    task: 'pendulum',
    seed: 0,
    config: {},
    ...changes,
  };
}

/** Pushes the way the pendulum moves: a torque that is never zero for long. */
export const pump: ActorLike = {
  act(obs, out) {
    out[0] = obs[1]! >= 0 ? 0.3 : -0.3;
  },
};

/** An actor that does `value` from its call number `from` on, and nothing before. */
export function actorWith(value: number, from = 0): ActorLike & { calls: number } {
  return {
    calls: 0,
    act(_obs, out) {
      out[0] = this.calls++ >= from ? value : 0;
    },
  };
}
