/** The reaching task: rewards by hand, where targets and starts lie, what ends it, what its reference reaches. */

import { describe, expect, it } from 'vitest';
import { loadRobot } from '../../../loop/experiment.ts';
import { runReference } from '../../../sim/reference-run.ts';
import { armReach, toolAngle, toolDistance } from '../../../sim/tasks/arm-reach.ts';
import { TOOL_LINK, TOOL_RADIUS } from '../../../sim/tasks/arm-terms.ts';
import { environmentOf, viewWith, worldAt } from './rig.ts';

const DOWN = [0, 1, 0, 0];

describe('arm-reach', () => {
  it('means the ball at the end of the pusher by its tool', async () => {
    const { model } = await loadRobot('arm');
    const link = model.links[TOOL_LINK]!;
    expect(link.name).toBe('pusher');
    expect(link.collisions[0]!.geometry).toEqual({ kind: 'sphere', radius: TOOL_RADIUS });
  });

  it('measures distance and angle between tool and target', () => {
    const command = Float64Array.of(0.5, 0, 0.3, ...DOWN);
    const at = (pose: number[]) => viewWith({ command, world: worldAt(pose) });
    expect(toolDistance(at([0.5, 0, 0.3, ...DOWN]))).toBe(0);
    expect(toolDistance(at([0.53, 0.04, 0.3, ...DOWN]))).toBeCloseTo(0.05, 12);
    // turned by 0.4 rad about the vertical: (0, 0, sin 0.2, cos 0.2) times straight down
    const turned = [0.5, 0, 0.3, -Math.sin(0.2), Math.cos(0.2), 0, 0];
    expect(toolAngle(at(turned))).toBeCloseTo(0.4, 9);
    // the same orientation with the other sign
    expect(toolAngle(at(turned.map((x, k) => (k < 3 ? x : -x))))).toBeCloseTo(0.4, 9);
    expect(armReach.success.test(at([0.519, 0, 0.3, ...DOWN]))).toBe(true);
    expect(armReach.success.test(at([0.521, 0, 0.3, ...DOWN]))).toBe(false);
    expect(armReach.success.test(at(turned))).toBe(false);
  });

  it('pays most on the target and charges for haste', () => {
    const command = Float64Array.of(0.5, 0, 0.3, ...DOWN);
    const view = viewWith({ command, world: worldAt([0.5, 0, 0.3, ...DOWN]) });
    const pay = (name: string) => armReach.rewards[name]!.weight * armReach.rewards[name]!.fn(view);
    expect(['distance', 'near', 'close', 'angle', 'aligned'].map(pay).map((x) => x + 0)).toEqual([0, 1, 1, 0, 1]);
    view.action.set([0.5, 0, 0, 0, 0, -0.5]);
    view.state.qd.set([1, 2, 0, 0, 0, 0]);
    expect(pay('action_rate')).toBeCloseTo(-0.05 * 0.5, 12);
    expect(pay('joint_speed')).toBeCloseTo(-0.05, 12);
  });

  it('ends when a joint overspeeds or the ball rests on the table', () => {
    const view = viewWith({ world: worldAt([0.5, 0, 0.021, ...DOWN]) });
    const { overspeed, table } = armReach.terminations;
    expect([overspeed!(view), table!(view)]).toEqual([false, false]);
    view.state.qd[5] = -3.8;
    expect(overspeed!(view)).toBe(true);
    expect(table!(viewWith({ world: worldAt([0.5, 0, 0.019, ...DOWN]) }))).toBe(true);
  });

  it('starts near the default pose and asks for poses within its ranges, a new one every four seconds', async () => {
    const environment = await environmentOf('arm-reach', 'trained');
    const { robot } = await loadRobot('arm').then((arm) => ({ robot: arm.config }));
    const home = Object.values(robot.defaultPose);
    const obs = new Float32Array(environment.observer.size);
    let spread = 0;
    for (let episode = 0; episode < 30; episode++) {
      environment.reset(episode, obs, 0);
      const { q } = environment.robot.truth;
      for (let j = 0; j < 6; j++) spread = Math.max(spread, Math.abs(q[j]! - home[j]!));
      const [x, y, z, ...quat] = environment.taskCommand;
      expect(Math.abs(x! - 0.5)).toBeLessThanOrEqual(0.15);
      expect(Math.abs(y!)).toBeLessThanOrEqual(0.25);
      expect(Math.abs(z! - 0.275)).toBeLessThanOrEqual(0.175);
      expect(Math.hypot(...quat)).toBeCloseTo(1, 12);
      // cos(1 / 2) cos(0.3 / 2) = 0.868: never on the other sheet
      expect(quat[1]).toBeGreaterThan(0.86);
    }
    expect(spread).toBeGreaterThan(0.08);
    expect(spread).toBeLessThanOrEqual(0.1);
    environment.reset(1, obs, 0);
    const first = environment.taskCommand.slice();
    const still = new Float32Array(6);
    for (let i = 0; i < 100; i++) environment.step(still, 0, obs, 0);
    expect([...environment.taskCommand]).toEqual([...first]);
    environment.step(still, 0, obs, 0);
    expect([...environment.taskCommand]).not.toEqual([...first]);
  });

  it('has a reference that reaches what it says, and doing nothing does not', async () => {
    const environment = await environmentOf('arm-reach', 'judged');
    const { make, score } = armReach.reference!;
    const reached = runReference(environment, make, 20);
    expect([reached.successRate, reached.meanReturn.toFixed(2)]).toEqual([
      score.successRate,
      score.meanReturn.toFixed(2),
    ]);
    const idle = runReference(environment, null, 2);
    expect(idle.successRate).toBe(0);
    expect(idle.meanReturn).toBeLessThan(score.meanReturn - 20);
  }, 180_000);
});
