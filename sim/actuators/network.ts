/**
 * A learned drive (Hwangbo et al., "Learning agile and dynamic motor skills for legged robots", 2019): a multi-layer
 * perceptron from the history of position error and velocity to torque. It stands for a drive under position control, so
 * a command without a position gain (damping, torque) is answered as `pd` would; or, with `input` effort, for a torque
 * drive, whose input is the torque it is asked for in place of the error. Knows no engine.
 */

import { clamp } from '../../core/math.ts';
import { Perceptron } from '../perceptron.ts';
import type { ActuatorNetwork } from '../robot-spec.ts';
import type { Drive, DriveParameters } from './drive.ts';
import { hybridTorque } from './pd.ts';

export function networkDrive(j: number, parameters: DriveParameters, network: ActuatorNetwork): Drive {
  const { dt, encoderBias, torqueLimit } = parameters;
  const { history, period, errorScale, velocityScale, torqueScale } = network;
  const asksTorque = network.input === 'effort';
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
      if (asksTorque) {
        hybridTorque(commands, at, state, j, parameters, out);
        errors[head] = out[j]!;
        gather();
        perceptron.forward();
        out[j] = clamp(torqueScale * perceptron.output[0]!, -limit, limit);
        return;
      }
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
