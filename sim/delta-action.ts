/**
 * What is added to an action in the simulator so that it moves as the robot did (He et al., "ASAP: aligning simulation and
 * real-world physics for learning agile whole-body skills", 2025, arXiv 2502.01143): s' = f_sim(s, a + pi_D(s, a)). A part of
 * a training recipe, never of a policy: what is deployed acts alone. Knows no engine and no learner.
 */

import * as v from 'valibot';
import { InputError } from '../core/errors.ts';
import { clamp, sinCosEach } from '../core/math.ts';
import { type JointCommand, makeCommand, type RobotState } from '../core/robot.ts';
import { parseWith } from '../core/schema.ts';
import { Perceptron, weightCount } from './perceptron.ts';

const finite = v.pipe(v.number(), v.finite());
const positive = v.pipe(finite, v.gtValue(0));

export const deltaActionSchema = v.strictObject({
  schema: v.literal(1),
  robot: v.strictObject({ name: v.string(), urdfHash: v.string() }),
  /** What it corrects: the position that drives are asked for, rad, or the effort, N m. */
  channel: v.picklist(['position', 'effort']),
  /**
   * Inputs, for each joint in turn: sin q, cos q, qd / velocityScale and the action, (q* - q) or effort, / actionScale.
   * Outputs: the correction / limit of each joint. One each for all joints of the robot, [nJoints].
   */
  velocityScale: v.array(positive),
  actionScale: v.array(positive),
  /** The largest correction, rad or N m. */
  limit: v.array(positive),
  layers: v.array(v.pipe(v.number(), v.integer(), v.minValue(1))),
  activation: v.picklist(['softsign', 'tanh', 'elu']),
  /** W1 row-major [out, in], b1, W2, ... */
  weights: v.array(finite),
});

/** Plain data: it crosses to worker threads as part of a recipe. */
export type DeltaActionModel = v.InferOutput<typeof deltaActionSchema>;

export const INPUTS_PER_JOINT = 4;

/** @param where names the file, for errors @throws InputError for what is no delta action */
export function readDeltaAction(text: string, where: string): DeltaActionModel {
  const model = parseWith(deltaActionSchema, JSON.parse(text), `delta action ${where}`);
  const n = model.limit.length;
  const { layers, weights } = model;
  const fits =
    layers[0] === INPUTS_PER_JOINT * n &&
    layers.at(-1) === n &&
    model.velocityScale.length === n &&
    model.actionScale.length === n &&
    weights.length === weightCount(layers);
  if (fits) return model;
  throw new InputError(
    `${where}: expected layers [${INPUTS_PER_JOINT * n}, ..., ${n}] and their weights for ${n} joint(s), found [${layers.join(', ')}] and ${weights.length} weights`,
    { repair: 'make it anew: landfall identify ... --delta FILE' },
  );
}

/** Corrects commands; one for each robot that is simulated. */
export class DeltaAction {
  readonly perceptron: Perceptron;
  readonly #model: DeltaActionModel;
  readonly #command: JointCommand;
  readonly #sines: Float64Array;
  readonly #cosines: Float64Array;

  constructor(model: DeltaActionModel) {
    const n = model.limit.length;
    this.#model = model;
    this.perceptron = new Perceptron(model);
    this.#command = makeCommand(n);
    this.#sines = new Float64Array(n);
    this.#cosines = new Float64Array(n);
  }

  /** The command to give to the simulator in place of this one. Reused from call to call. */
  correct(state: Pick<RobotState, 'q' | 'qd'>, command: JointCommand): JointCommand {
    const { channel, limit } = this.#model;
    const out = this.#command;
    out.q.set(command.q);
    out.qd.set(command.qd);
    out.effort.set(command.effort);
    out.kp.set(command.kp);
    out.kd.set(command.kd);
    this.observe(state, command);
    this.perceptron.forward();
    const into = channel === 'position' ? out.q : out.effort;
    // a + pi_D(s, a)
    for (let j = 0; j < limit.length; j++) {
      into[j] = into[j]! + limit[j]! * clamp(this.perceptron.output[j]!, -1, 1);
    }
    return out;
  }

  /** Write the network's inputs for a state and a command. */
  observe(state: Pick<RobotState, 'q' | 'qd'>, command: Pick<JointCommand, 'q' | 'effort'>): void {
    const { channel, velocityScale, actionScale } = this.#model;
    const { input } = this.perceptron;
    sinCosEach(state.q, this.#sines, this.#cosines);
    for (let j = 0; j < actionScale.length; j++) {
      const action = channel === 'position' ? command.q[j]! - state.q[j]! : command.effort[j]!;
      const at = INPUTS_PER_JOINT * j;
      input[at] = this.#sines[j]!;
      input[at + 1] = this.#cosines[j]!;
      input[at + 2] = state.qd[j]! / velocityScale[j]!;
      input[at + 3] = action / actionScale[j]!;
    }
  }
}
