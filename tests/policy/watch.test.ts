/** What a viewer is shown of an environment whose robot floats and whose surroundings change. */

import { expect, test } from 'vitest';
import { pendulum } from '../../configs/pendulum.ts';
import { makeFrame, makeFrameRing, openFrameRing } from '../../core/frame-ring.ts';
import { keyOf } from '../../core/rng.ts';
import { openExperiment } from '../../loop/experiment.ts';
import { channelsOf, WatchTap } from '../../policy/watch.ts';
import { nominalDynamics } from '../../sim/dynamics.ts';
import { Environment } from '../../sim/environment.ts';
import { loadRapier } from '../../sim/rapier.ts';
import { RapierRobot } from '../../sim/rapier-robot.ts';
import type { Scene } from '../../sim/scene.ts';
import { tasks } from '../../sim/tasks/index.ts';
import { parseUrdf } from '../../sim/urdf.ts';

/** The pendulum on a body that falls. */
const urdf = `<robot name="falling">
  <link name="base"><inertial><mass value="2"/><inertia ixx="0.02" iyy="0.02" izz="0.02" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <link name="arm"><inertial><origin xyz="0 0 -0.2"/><mass value="0.5"/>
    <inertia ixx="0.005" iyy="0.005" izz="0.001" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <joint name="shoulder" type="continuous"><parent link="base"/><child link="arm"/><axis xyz="0 1 0"/></joint>
</robot>`;

test('frames carry the base and the objects; a scene is told once, with its first frame', async () => {
  const { contract, rewardNames, rewardWeights } = await openExperiment(pendulum);
  const model = { ...parseUrdf(urdf, { where: 'test' }), base: 'floating' } as const;
  const dynamics = nominalDynamics(model);
  const scenes: Scene[] = [];
  const task = {
    ...tasks.pendulum!,
    scene: (): Scene => {
      const ball = { name: 'ball', mass: 1, friction: 1, geometry: { kind: 'sphere', radius: 0.1 } } as const;
      const pose = { xyz: [3, 0, 5], quat: [0, 0, 0, 1] } as const;
      scenes.push({ ground: 'none', statics: [], objects: [{ ...ball, pose }] });
      return scenes.at(-1)!;
    },
  };
  const robot = new RapierRobot(await loadRapier(), model, dynamics, task.physics);
  const settings = { task, contract, rewardWeights, dynamics, randomization: 0, training: false, key: keyOf(1) };
  const environment = new Environment(robot, 0, settings);
  const ring = makeFrameRing({
    capacity: 8,
    numEnvs: 1,
    nJoints: 1,
    base: 'floating',
    nObjects: 1,
    channels: channelsOf(contract, rewardNames),
    dt: 1 / task.rateHz,
  });
  const tap = new WatchTap(ring);
  const obs = new Float32Array(environment.observer.size);
  for (const frame of [0, 1, 2, 3]) {
    if (frame % 2 === 0) environment.reset(frame / 2, obs, 0);
    environment.step(new Float32Array(1), 0, obs, 0);
    tap.write(frame, 0, environment, obs, 0);
    openFrameRing(ring).publish(1);
  }
  const changes = tap.takeScenes();
  expect(changes.map(({ env, frame }) => [env, frame])).toEqual([
    [0, 0],
    [0, 2],
  ]);
  expect(changes.map(({ scene }) => scene)).toEqual(scenes);
  expect(tap.takeScenes()).toEqual([]);

  const frame = makeFrame(ring.spec);
  openFrameRing(ring).read(3, frame);
  const { truth, objects } = robot;
  expect([...frame.values.slice(0, 8)]).toEqual([...Float32Array.from([...truth.q, ...truth.base])]);
  expect([...frame.values.slice(8, 15)]).toEqual([...Float32Array.from(objects.slice(0, 7))]);
  // Both fall.
  expect(frame.values[3]).toBeLessThan(0);
  expect(frame.values[10]).toBeLessThan(5);
  robot.close();
});
