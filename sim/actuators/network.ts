/**
 * A learned drive (Hwangbo et al., "Learning agile and dynamic motor skills for legged robots", 2019): a multi-layer
 * perceptron from the history of position error and velocity to torque. It stands for a drive under position control, so
 * a command without a position gain (damping, torque) is answered as `pd` would. Knows no engine.
 */

import { clamp, exp, tanh } from '../../core/math.ts';
import type { ActuatorNetwork } from '../robot-spec.ts';
import type { Drive, DriveParameters } from './drive.ts';
import { hybridTorque } from './pd.ts';

export function networkDrive(j: number, parameters: DriveParameters, network: ActuatorNetwork): Drive {
  const { dt, encoderBias, torqueLimit } = parameters;
  const { history, period, errorScale, velocityScale, torqueScale } = network;
  // How many steps ago each input was read; a billionth of a step is rounding. Between two steps a line is drawn.
  const ages = Array.from({ length: history }, (_, i) => Math.round(((i * period) / dt) * 1e9) / 1e9);
  const whole = Int32Array.from(ages, Math.floor);
  const part = Float64Array.from(ages, (age) => age - Math.floor(age));
  // A reading every step, the newest at `head`; 0 before the episode.
  const size = whole.at(-1)! + 2;
  const errors = new Float64Array(size);
  const velocities = new Float64Array(size);
  const perceptron = new Perceptron(network);
  let head = 0;

  /** The network's inputs: errors then velocities, each newest first. */
  const gather = () => {
    const { input } = perceptron;
    for (let i = 0; i < history; i++) {
      const newer = (head + size - whole[i]!) % size;
      const older = (newer + size - 1) % size;
      input[i] = (errors[newer]! + part[i]! * (errors[older]! - errors[newer]!)) / errorScale;
      input[history + i] = (velocities[newer]! + part[i]! * (velocities[older]! - velocities[newer]!)) / velocityScale;
    }
  };

  return {
    reset() {
      errors.fill(0);
      velocities.fill(0);
      head = 0;
    },
    begin(state) {
      head = (head + 1) % size;
      errors[head] = 0;
      velocities[head] = state.qd[j]!;
    },
    ask(commands, at, state, out) {
      const limit = torqueLimit[j]!;
      if (commands.kp[at] === 0) {
        hybridTorque(commands, at, state, j, parameters, out);
        out[j] = clamp(out[j]!, -limit, limit);
        return;
      }
      errors[head] = commands.q[at]! - state.q[j]! - encoderBias[j]!;
      gather();
      perceptron.forward();
      out[j] = clamp(torqueScale * perceptron.output[0]! + commands.effort[at]!, -limit, limit);
    },
  };
}

/** x <- f(W x + b) layer by layer, linear at the end. */
class Perceptron {
  readonly input: Float64Array;
  readonly output: Float64Array;
  readonly #activation: ActuatorNetwork['activation'];
  readonly #weights: Float64Array;
  /** Values of each layer, the input's first. */
  readonly #layers: readonly Float64Array[];

  constructor({ layers, activation, weights }: ActuatorNetwork) {
    this.#activation = activation;
    this.#weights = Float64Array.from(weights);
    this.#layers = layers.map((width) => new Float64Array(width));
    this.input = this.#layers[0]!;
    this.output = this.#layers.at(-1)!;
  }

  forward(): void {
    let at = 0;
    for (let l = 1; l < this.#layers.length; l++) {
      const from = this.#layers[l - 1]!;
      const to = this.#layers[l]!;
      const biases = at + from.length * to.length;
      for (let o = 0; o < to.length; o++) {
        let sum = this.#weights[biases + o]!;
        for (let i = 0; i < from.length; i++) sum += this.#weights[at++]! * from[i]!;
        to[o] = sum;
      }
      at = biases + to.length;
      if (l < this.#layers.length - 1) activate(this.#activation, to);
    }
  }
}

function activate(activation: ActuatorNetwork['activation'], x: Float64Array): void {
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    if (activation === 'softsign') x[i] = value / (1 + Math.abs(value));
    else if (activation === 'tanh') x[i] = tanh(value);
    else x[i] = value > 0 ? value : exp(value) - 1;
  }
}
