/** Puts task, robot and network together into the policy contract. */

import {
  CONTRACT_VERSION,
  type Contract,
  type JointContract,
  type NetworkContract,
  type ObservationContract,
  type ObservationLayout,
  type RosContract,
  type SafetyContract,
} from '../core/contract.ts';
import { InputError } from '../core/errors.ts';
import { pick, termNamed } from '../core/observation.ts';
import { jointNames, type RobotModel } from '../core/robot-model.ts';
import { completeRos } from '../core/ros-topics.ts';
import { sensorSizes } from '../core/sensor.ts';
import { type Mirror, mirrorOfActions, mirrorOfObservations } from '../core/symmetry.ts';
import type { Dynamics } from './dynamics.ts';
import { RAPIER } from './rapier-robot.ts';
import type { RobotSpec } from './robot-spec.ts';
import type { ObservationSpec, TaskDefinition } from './task.ts';

export interface ContractParts {
  readonly task: TaskDefinition;
  readonly model: RobotModel;
  /** What the URDF does not say of the robot. */
  readonly robot: {
    readonly ros: RosContract;
    readonly safety: SafetyContract;
    /** By joint name: N m/rad, N m s/rad. */
    readonly gains: Readonly<Record<string, { readonly kp: number; readonly kd: number }>>;
    /** By joint name, rad or m; 0 for those not named. */
    readonly defaultPose?: Readonly<Record<string, number>>;
    readonly spec?: RobotSpec;
  };
  readonly dynamics: Dynamics;
  readonly hidden: readonly number[];
  readonly activation: NetworkContract['activation'];
  readonly output?: NetworkContract['output'];
  /** What comes before the hidden layers. @default nothing */
  readonly front?: NetworkFront;
  readonly seed: number;
  readonly config: Readonly<Record<string, unknown>>;
}

/** What comes before an actor's hidden layers; the rest follows from the task. */
export type NetworkFront =
  | { readonly kind: 'gru'; readonly cell: number }
  | ({ readonly kind: 'history' } & Omit<HistoryEncoder, 'terms'>)
  | { readonly kind: 'privileged'; readonly hidden: readonly number[]; readonly latent: number };

type HistoryEncoder = Extract<NetworkContract, { kind: 'history' }>['encoder'];

/** The contract of a policy that has seen nothing yet: an identity normaliser with count 0. */
export function contractOf(parts: ContractParts): Contract {
  const { task, model } = parts;
  const joints = jointsOf(parts);
  const actions = task.actions.map((action) => ({ ...action }));
  const command = commandOf(task);
  const carried = [...(parts.robot.spec?.sensors ?? []), ...(task.sensors ?? [])];
  const sensors = sensorSizes(carried);
  const layout = { joints, actions, command, sensors };
  for (const { name, term } of task.observations) {
    if (termNamed(term, `observation ${name}`).privileged !== true) continue;
    throw new InputError(`task ${task.name}: observation ${name} is of what only a simulation knows`, {
      repair: 'move it to criticObservations',
    });
  }
  const observations = observedBy(task, parts.front).map((spec) => observationContract(spec, layout));
  const inputs = sizeOf(observations);
  return {
    schema: CONTRACT_VERSION,
    robot: { name: model.name, urdfHash: model.urdfHash },
    joints,
    control: { rateHz: task.rateHz, physicsDt: task.physics.physicsDt },
    actions,
    observations,
    command,
    sensors,
    normalizer: identityNormalizer(inputs),
    network: networkContract(parts, inputs, layout),
    safety: parts.robot.safety,
    ros: completeRos(parts.robot.ros, {
      sensors: carried,
      quality: { ...task.quality, ...parts.robot.spec?.quality },
      floating: model.base === 'floating',
      stateAge: parts.robot.safety.stateAge,
    }),
    engine: { ...RAPIER },
    task: task.name,
    seed: parts.seed,
    config: { ...parts.config },
  };
}

/** The task's observations, each with the history that the network sees. */
function observedBy(task: TaskDefinition, front: NetworkFront | undefined): readonly ObservationSpec[] {
  if (front?.kind !== 'history') return task.observations;
  const longest = Math.max(...task.observations.map(({ history }) => history));
  if (longest > front.steps) {
    throw new InputError(
      `task ${task.name} observes ${longest} steps of a term, the network's history has ${front.steps}`,
      {
        repair: `network.steps=${longest} or more`,
      },
    );
  }
  return task.observations.map((spec) => ({ ...spec, history: front.steps }));
}

function networkContract(parts: ContractParts, inputs: number, layout: ObservationLayout): NetworkContract {
  const { task, hidden, activation, front, output } = parts;
  const outputs = task.actions.reduce((sum, term) => sum + term.joints.length, 0);
  const body = {
    layers: [inputs, ...hidden, outputs],
    activation,
    ...(output === undefined ? {} : { output }),
  };
  switch (front?.kind) {
    case undefined:
      return { kind: 'mlp', ...body };
    case 'gru':
      return { kind: 'gru', ...body, cell: front.cell };
    case 'history': {
      const { steps, embed, convolutions, latent } = front;
      const terms = task.observations.map((spec) => ({
        width: observationContract(spec, layout).size / spec.history,
        steps: spec.history,
      }));
      return { kind: 'history', ...body, encoder: { steps, terms, embed, convolutions: [...convolutions], latent } };
    }
    case 'privileged': {
      const critic = criticTerms(task, layout);
      if (critic === null) {
        throw new InputError(`task ${task.name} has no critic observations, which a privileged network needs`, {
          repair: 'give the task criticObservations, or network.kind=mlp',
        });
      }
      const known = sizeOf(critic);
      const encoder = { inputs: known, hidden: [...front.hidden], latent: front.latent };
      const layers = [inputs + known, ...hidden, outputs];
      return { kind: 'privileged', layers, activation, encoder: { ...encoder, normalizer: identityNormalizer(known) } };
    }
  }
}

/** Of something that has not been seen yet. */
function identityNormalizer(inputs: number): Contract['normalizer'] {
  const each = (value: number) => new Array<number>(inputs).fill(value);
  return { mean: each(0), variance: each(1), count: 0, epsilon: 1e-5, clip: 10 };
}

function sizeOf(observations: readonly ObservationContract[]): number {
  return observations.reduce((sum, term) => sum + term.size, 0);
}

function jointsOf({ model, robot, dynamics }: ContractParts): JointContract[] {
  return jointNames(model).map((name, j) => {
    const joint = model.joints[model.dof[j]!]!;
    const gains = robot.gains[name];
    const effort = dynamics.torqueLimit[j]!;
    if (gains === undefined) {
      throw new InputError(`robot ${model.name}: joint ${name} has no gains`, {
        repair: 'add them to configs/robots.ts',
      });
    }
    if (!Number.isFinite(effort)) {
      throw new InputError(`robot ${model.name}: joint ${name} has no effort limit`, {
        repair: 'give it in the URDF: <limit effort="..."/>',
      });
    }
    return {
      name,
      sign: 1,
      unit: joint.type === 'prismatic' ? 'm' : 'rad',
      position: Number.isFinite(joint.lower) ? [joint.lower, joint.upper] : null,
      velocity: Number.isFinite(joint.velocity) ? joint.velocity : null,
      effort,
      defaultPosition: robot.defaultPose?.[name] ?? 0,
      kp: gains.kp,
      kd: gains.kd,
    };
  });
}

function commandOf({ command }: TaskDefinition): Contract['command'] {
  if (command === undefined) return { names: [], units: [], ranges: [] };
  return {
    names: [...command.names],
    units: [...command.units],
    ranges: command.ranges.map(([lower, upper]) => [lower, upper]),
  };
}

function observationContract(spec: ObservationSpec, layout: ObservationLayout): ObservationContract {
  const term = termNamed(spec.term, `observation ${spec.name}`);
  return { ...spec, size: term.size(pick(spec, layout)) * spec.history, unit: term.unit, frame: term.frame };
}

/** What only the critic of a task sees, bound to a contract; null when it sees what the actor sees. */
export function criticTerms(task: TaskDefinition, layout: ObservationLayout): ObservationContract[] | null {
  return task.criticObservations?.map((spec) => observationContract(spec, layout)) ?? null;
}

/** What each symmetry of a task does to its observations, critic observations and actions. @throws InputError where it cannot */
export function mirrorsOf(
  task: TaskDefinition,
  contract: Contract,
): { readonly obs: Mirror; readonly criticObs: Mirror | null; readonly action: Mirror }[] {
  const critic = criticTerms(task, contract);
  return (task.symmetries ?? []).map((symmetry) => ({
    obs: mirrorOfObservations(contract.observations, contract, symmetry),
    criticObs: critic === null ? null : mirrorOfObservations(critic, contract, symmetry),
    action: mirrorOfActions(contract.actions, contract, symmetry),
  }));
}
