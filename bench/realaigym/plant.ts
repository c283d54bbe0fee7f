/**
 * What the judge integrates: equations of motion behind one interface, and Runge & Kutta's fourth-order step with the torque held
 * (W. Kutta, 1901). Knows no particular robot.
 */

/** Equations of motion. A state is joint angles, then joint velocities: [2 nJoints], rad and rad/s. */
export interface Plant {
  readonly nJoints: number;
  /** Most torque of each joint's motor, N m, [nJoints]; 0 where there is none. */
  readonly torqueLimit: readonly number[];
  /** @param tau N m, [nJoints] @param out dx/dt, [2 nJoints] */
  derivative(x: Float64Array, tau: Float64Array, out: Float64Array): void;
}

/** Allocates nothing after construction. */
export class RungeKutta {
  readonly #plant: Plant;
  readonly #k: readonly [Float64Array, Float64Array, Float64Array, Float64Array];
  readonly #at: Float64Array;

  constructor(plant: Plant) {
    this.#plant = plant;
    const size = 2 * plant.nJoints;
    this.#k = [new Float64Array(size), new Float64Array(size), new Float64Array(size), new Float64Array(size)];
    this.#at = new Float64Array(size);
  }

  /** Advance `x` by `dt` seconds under `tau`. */
  step(x: Float64Array, tau: Float64Array, dt: number): void {
    const [k1, k2, k3, k4] = this.#k;
    const at = this.#at;
    const plant = this.#plant;
    const size = x.length;
    plant.derivative(x, tau, k1);
    for (let i = 0; i < size; i++) at[i] = x[i]! + 0.5 * dt * k1[i]!;
    plant.derivative(at, tau, k2);
    for (let i = 0; i < size; i++) at[i] = x[i]! + 0.5 * dt * k2[i]!;
    plant.derivative(at, tau, k3);
    for (let i = 0; i < size; i++) at[i] = x[i]! + dt * k3[i]!;
    plant.derivative(at, tau, k4);
    // x += dt (k1 + 2 (k2 + k3) + k4) / 6
    for (let i = 0; i < size; i++) x[i] = x[i]! + dt * ((k1[i]! + 2 * (k2[i]! + k3[i]!) + k4[i]!) / 6);
  }
}
