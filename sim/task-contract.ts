/** Puts task, robot and network together into the policy contract. */

import {
  CONTRACT_VERSION,
  type Contract,
  type NetworkContract,
  type ObservationContract,
  type RosContract,
  type SafetyContract,
} from '../core/contract.ts';
import { InputError } from '../core/errors.ts';
import { observationTerms } from '../core/observation.ts';
import { jointNames, type RobotModel } from '../core/robot-model.ts';
import type { Dynamics } from './dynamics.ts';
import { RAPIER } from './rapier-robot.ts';
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
  };
  readonly dynamics: Dynamics;
  readonly hidden: readonly number[];
  readonly activation: NetworkContract['activation'];
  readonly seed: number;
  readonly config: Readonly<Record<string, unknown>>;
}

/** The contract of a policy that has seen nothing yet: an identity normaliser with count 0. */
export function contractOf(parts: ContractParts): Contract {
  const { task, model, dynamics } = parts;
  const observations = task.observations.map(observationContract);
  const inputs = observations.reduce((sum, term) => sum + term.size, 0);
  const outputs = task.actions.reduce((sum, term) => sum + term.joints.length, 0);
  return {
    schema: CONTRACT_VERSION,
    robot: { name: model.name, urdfHash: model.urdfHash },
    joints: jointNames(model).map((name, j) => {
      const joint = model.joints[model.dof[j]!]!;
      const gains = parts.robot.gains[name];
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
        defaultPosition: 0,
        kp: gains.kp,
        kd: gains.kd,
      };
    }),
    control: { rateHz: task.rateHz, physicsDt: task.physics.physicsDt },
    actions: task.actions.map((action) => ({ ...action })),
    observations,
    normalizer: {
      mean: new Array<number>(inputs).fill(0),
      variance: new Array<number>(inputs).fill(1),
      count: 0,
      epsilon: 1e-5,
      clip: 10,
    },
    network: { kind: 'mlp', layers: [inputs, ...parts.hidden, outputs], activation: parts.activation },
    safety: parts.robot.safety,
    ros: parts.robot.ros,
    engine: { ...RAPIER },
    task: task.name,
    seed: parts.seed,
    config: { ...parts.config },
  };
}

function observationContract(spec: ObservationSpec): ObservationContract {
  const term = observationTerms[spec.term];
  if (term === undefined) throw new InputError(`observation ${spec.name}: no term named ${spec.term}`);
  return { ...spec, size: term.sizePerJoint * spec.joints.length * spec.history, unit: term.unit, frame: term.frame };
}
