/** A contract and episodes to test with. Every number is drawn from a key, with the awkward ones mixed in. */

import type { Contract } from '../../core/contract.ts';
import { type Episode, type EpisodeMeta, type EpisodeStep, JOINTS_ALONE } from '../../core/episode.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';

export function sampleContract(): Contract {
  return {
    schema: 2,
    robot: { name: 'pendulum', urdfHash: 'ab'.repeat(32) },
    joints: [
      {
        name: 'shoulder',
        sign: 1,
        unit: 'rad',
        position: null,
        velocity: 15,
        effort: 1,
        defaultPosition: 0,
        kp: 2,
        kd: 0.1,
      },
    ],
    control: { rateHz: 100, physicsDt: 0.002 },
    actions: [
      {
        name: 'torque',
        kind: 'effort',
        joints: ['shoulder'],
        scale: 1,
        offset: 0,
        clip: [-1, 1],
        rateLimit: null,
      },
    ],
    observations: [
      {
        name: 'angle',
        term: 'joint_sin_cos',
        joints: ['shoulder'],
        size: 2,
        unit: '1',
        frame: 'joint',
        scale: 1,
        clip: null,
        history: 1,
        delay: 0,
      },
      {
        name: 'speed',
        term: 'joint_velocity',
        joints: ['shoulder'],
        size: 1,
        unit: 'rad/s',
        frame: 'joint',
        scale: 0.1,
        clip: [-5, 5],
        history: 1,
        delay: 0,
      },
    ],
    command: { names: [], units: [], ranges: [] },
    sensors: {},
    normalizer: { mean: [0, 0, 0], variance: [1, 1, 1], count: 1, epsilon: 1e-8, clip: 10 },
    network: { kind: 'mlp', layers: [3, 64, 64, 1], activation: 'tanh' },
    safety: { stateAge: 0.05, roundTrip: 0.02, damping: 0.5 },
    ros: {
      state: { topic: '/joint_states', type: 'sensor_msgs/msg/JointState' },
      command: { topic: '/pendulum/effort', type: 'std_msgs/msg/Float64MultiArray', mapping: 'forward_command' },
      watchdog: { seconds: 0.1, by: 'robot' },
    },
    engine: { name: 'rapier', version: '0.20.0' },
    task: 'pendulum',
    seed: 1,
    config: { ppo: { learningRate: 3e-4 } },
  };
}

/** The same robot with a base that is measured and one sensor of each kind. */
export function sensedContract(): Contract {
  const contract = sampleContract();
  return {
    ...contract,
    sensors: { imu: 10, scan: 5, feet: 2, unlisted: 3 },
    command: { names: ['vx'], units: ['m/s'], ranges: [[-1, 1]] },
    ros: {
      ...contract.ros,
      odometry: { topic: '/odom', type: 'nav_msgs/msg/Odometry' },
      sensors: {
        imu: { topic: '/imu', type: 'sensor_msgs/msg/Imu' },
        scan: { topic: '/scan', type: 'sensor_msgs/LaserScan' },
        feet: { topic: '/joint_states', type: 'std_msgs/msg/Float64MultiArray' },
      },
    },
  };
}

/** Every second reading of the scan is one that float32 holds, as a message's is. */
function sensedParts(meta: EpisodeMeta, real: () => number, doubles: () => Float64Array) {
  const sizes = meta.contract?.sensors ?? {};
  const readings = (size: number) => Float64Array.from({ length: size }, real);
  if (Object.keys(sizes).length === 0) return JOINTS_ALONE;
  const scan = readings(5);
  const rounded = real() > 0 ? scan : scan.map(Math.fround);
  return {
    base: readings(7),
    twist: readings(6),
    sensors: Object.fromEntries(
      Object.entries(sizes).map(([name, size]) => [name, name === 'scan' ? rounded : readings(size)]),
    ),
    taskCommand: readings(meta.contract?.command.names.length ?? 0),
    qTarget: doubles(),
    qdTarget: doubles(),
  };
}

export function sampleMeta(changes: Partial<EpisodeMeta> = {}): EpisodeMeta {
  return {
    id: 'sample',
    source: 'twin',
    robot: 'pendulum',
    task: 'pendulum',
    joints: ['shoulder', 'elbow'],
    rateHz: 100,
    startedAt: 1_760_000_000.123,
    contract: null,
    shadow: false,
    parameters: { massScale: 1.1, 'friction "odd" name': -0, limit: Infinity },
    ...changes,
  };
}

const AWKWARD = [-0, 0, NaN, Infinity, -Infinity, 5e-324, Number.MAX_VALUE, -Number.MIN_VALUE, 0.1, 1 / 3, 2 ** 53 + 2];

/** @param meta decides the number of joints */
export function sampleSteps(meta: EpisodeMeta, count: number, seed = 7): EpisodeStep[] {
  const random = new RandomStream(keyOf(seed));
  const real = () => (random.uniform() < 0.2 ? AWKWARD[random.below(AWKWARD.length)]! : random.normal() * 10);
  const doubles = () => Float64Array.from(meta.joints, real);
  const period = meta.rateHz > 0 ? 1 / meta.rateHz : 0.01;
  return Array.from({ length: count }, (_, i) => ({
    sensorTime: i * period,
    receiptTime: meta.startedAt + i * period + 1e-4,
    commandTime: meta.startedAt + i * period + 2e-4,
    q: doubles(),
    qd: doubles(),
    effort: doubles(),
    obs: Float32Array.from({ length: 3 }, real),
    action: Float32Array.from({ length: 2 }, real),
    ...sensedParts(meta, real, doubles),
    command: doubles(),
    reward: real(),
    rewardTerms: { upright: real(), 'torque²': real() },
    terminated: i === count - 1,
    truncated: false,
  }));
}

export function sampleEpisode(count: number, changes: Partial<EpisodeMeta> = {}): Episode {
  const meta = sampleMeta(changes);
  return { meta, steps: sampleSteps(meta, count), outcome: { reason: 'completed', completed: true } };
}

/** The bits of every number of an episode, so that NaN and -0 count. */
export function episodeBits(episode: Episode): string[] {
  return episode.steps.map((step) => {
    const { q, qd, effort, command, obs, action, rewardTerms, terminated, truncated } = step;
    const scalars = [step.sensorTime, step.receiptTime, step.commandTime, step.reward, ...Object.values(rewardTerms)];
    const { base, twist, sensors, taskCommand, qTarget, qdTarget } = step;
    const readings = Object.keys(sensors)
      .sort()
      .map((name) => sensors[name]!);
    const parts = [q, qd, effort, command, obs, action, base, twist, taskCommand, qTarget, qdTarget, ...readings];
    const arrays = [...parts, Float64Array.from(scalars)];
    const hex = arrays.map((a) => Buffer.from(a.buffer, a.byteOffset, a.byteLength).toString('hex'));
    return [...hex, ...Object.keys(rewardTerms), ...Object.keys(sensors).sort(), terminated, truncated].join(' ');
  });
}
