/** A pendulum to look at: its URDF, a writer that moves it in a ring, and a recording of it. */

import { readFileSync } from 'node:fs';
import type { Contract } from '../../core/contract.ts';
import { type Episode, type EpisodeStep, JOINTS_ALONE } from '../../core/episode.ts';
import { encodeEpisode } from '../../core/episode-mcap.ts';
import { type Channel, type FrameRing, makeFrameRing, openFrameRing } from '../../core/frame-ring.ts';
import { Observer } from '../../core/observation.ts';
import { makeState } from '../../core/robot.ts';
import { sampleContract } from '../core/samples.ts';

export const pendulumUrdf = readFileSync(new URL('../../configs/robots/pendulum.urdf', import.meta.url), 'utf8');

const channels: readonly Channel[] = [
  { name: 'energy', group: 'reward', unit: '1/step' },
  { name: 'balance', group: 'reward', unit: '1/step' },
  { name: 'shoulder', group: 'torque', unit: 'N m' },
  { name: 'velocity', group: 'obs', unit: 'rad/s' },
];

export function pendulumRing(numEnvs: number, dt = 0.01): FrameRing {
  return makeFrameRing({ capacity: 256, numEnvs, nJoints: 1, channels, dt });
}

/** q of environment `env` at a time: a swing of its own. */
export function swing(time: number, env: number): number {
  return Math.sin(3 * time + env);
}

/** Write and publish the next frames. */
export function writeFrames(ring: FrameRing, frames: number): void {
  const writer = openFrameRing(ring);
  const { numEnvs, dt } = ring.spec;
  for (let i = 0; i < frames; i++) {
    const frame = writer.published + i;
    const time = frame * dt;
    const slot = writer.slotOf(frame);
    writer.setTime(slot, time);
    for (let env = 0; env < numEnvs; env++) {
      const q = swing(time, env);
      writer.setEnv(slot, env, [q], [1 - Math.abs(q), q * q, -q, 3 * Math.cos(3 * time + env)]);
    }
  }
  writer.publish(frames);
}

/** Keeps a ring going at the pace of its simulation until it is stopped. */
export function keepWriting(ring: FrameRing): { stop(): void } {
  const timer = setInterval(() => writeFrames(ring, 1), ring.spec.dt * 1000);
  return { stop: () => clearInterval(timer) };
}

/** A recording with observations made by the real observer. @param seconds at 100 Hz */
export function pendulumEpisode(id: string, seconds: number): Episode {
  const contract: Contract = sampleContract();
  const observer = new Observer(contract.observations, contract);
  const state = makeState(1);
  const steps = Array.from({ length: Math.round(seconds * 100) + 1 }, (_, i): EpisodeStep => {
    const time = i / 100;
    state.time = time;
    state.q[0] = swing(time, 0);
    state.qd[0] = 3 * Math.cos(3 * time);
    const obs = new Float32Array(observer.size);
    observer.observe(state, new Float32Array(1), obs);
    return {
      sensorTime: 100 + time,
      receiptTime: time,
      commandTime: time,
      q: state.q.slice(),
      qd: state.qd.slice(),
      effort: Float64Array.of(0.1),
      obs,
      action: Float32Array.of(0),
      ...JOINTS_ALONE,
      command: Float64Array.of(0.2),
      reward: 1,
      rewardTerms: { energy: 0.4, balance: 0.6 },
      terminated: false,
      truncated: false,
    };
  });
  const meta = {
    id,
    source: 'twin',
    robot: 'pendulum',
    task: 'pendulum',
    joints: ['shoulder'],
    rateHz: 100,
    startedAt: 1_760_000_000,
    contract,
    shadow: false,
    parameters: {},
  } as const;
  return { meta, steps, outcome: { reason: 'completed', completed: true } };
}

/** The same as the bytes of a file. */
export function pendulumRecording(id: string, seconds: number): Promise<Uint8Array> {
  return encodeEpisode(pendulumEpisode(id, seconds), { urdf: pendulumUrdf });
}
