/** The cart-pole's slider and hinge in Rapier against Runge-Kutta of their equations of motion. */

import { describe, expect, it } from 'vitest';
import { makeCommand } from '../../../core/robot.ts';
import { idealRobot, integrate, modelNamed, orderOf } from './rig.ts';

const model = modelNamed('cartpole');
/** Figures of Barto, Sutton and Anderson: kg, m; the pole's inertia about the hinge, kg m2. */
const [CART, POLE, LENGTH, G] = [1, 0.1, 0.5, 9.81];
const INERTIA = (POLE * (2 * LENGTH) ** 2) / 3;
const LEVER = POLE * LENGTH;

/** In cart position, pole angle from hanging, and their rates, under the force F(t) = a sin(w t) with t the fifth number. */
function equation(amplitude: number, rate: number) {
  return ([, q, xd, qd, t]: readonly number[]): number[] => {
    const [s, c] = [Math.sin(q!), Math.cos(q!)];
    // (M + m) xdd - m l cos q qdd + m l sin q qd^2 = F
    // I qdd - m l cos q xdd + m g l sin q = 0
    const f1 = amplitude * Math.sin(rate * t!) - LEVER * s * qd! ** 2;
    const f2 = -LEVER * G * s;
    const det = (CART + POLE) * INERTIA - (LEVER * c) ** 2;
    return [xd!, qd!, (INERTIA * f1 + LEVER * c * f2) / det, (LEVER * c * f1 + (CART + POLE) * f2) / det, 1];
  };
}

/** Largest differences of cart and pole in 2 s, m and rad. */
function deviation(start: readonly number[], amplitude: number, solverIterations: number): [number, number] {
  const physicsDt = 0.005;
  const robot = idealRobot(model, { physicsDt, solverIterations });
  robot.reset(start.slice(0, 2), start.slice(2, 4));
  const exact = integrate(equation(amplitude, 3), [...start, 0], physicsDt, 400, 10);
  const command = makeCommand(2);
  let [cart, pole] = [0, 0];
  for (const [k, [x, q]] of exact.entries()) {
    // The force held over a step is that of its middle: exact to second order.
    command.effort[0] = amplitude * Math.sin(3 * (k + 0.5) * physicsDt);
    robot.act(command);
    robot.step(physicsDt);
    cart = Math.max(cart, Math.abs(robot.truth.q[0]! - x!));
    pole = Math.max(pole, Math.abs(robot.truth.q[1]! - q!));
  }
  robot.close();
  return [cart, pole];
}

describe('cart-pole', () => {
  it.each([
    // Bounds 10% above what was measured, m and rad, with 5 ms and 4 sub-steps.
    { what: 'the pole swings and the cart gives way', start: [0, 1.5, 0, 0], force: 0, bounds: [5.8e-4, 0.024] },
    { what: 'a force drives the cart and the pole follows', start: [0, 0, 0, 0], force: 2, bounds: [8.3e-4, 1.1e-3] },
    { what: 'the cart rolls with the pole turning', start: [-1, 0.3, 0.5, 2], force: 1, bounds: [4.6e-4, 1.1e-3] },
  ])('moves as its equations say: $what', ({ start, force, bounds }) => {
    const coarse = deviation(start, force, 4);
    const fine = deviation(start, force, 8);
    for (const k of [0, 1] as const) {
      expect(coarse[k]).toBeLessThan(bounds[k]!);
      // First order in the sub-step, for the slider too: 0.985 to 1.04 measured.
      const order = orderOf(coarse[k], fine[k]);
      expect(order).toBeGreaterThan(0.93);
      expect(order).toBeLessThan(1.1);
    }
  });
});
