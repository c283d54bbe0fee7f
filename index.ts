/** The public door of the package: what a program that uses Landfall may import. */

export { type DeployOptions, deployPolicy } from './bridge/deploy.ts';
export { startRobotServer } from './bridge/server/robot-server.ts';
export { defineConfig, type ExperimentConfig } from './configs/schema.ts';
export { Actuation } from './core/action.ts';
export { type Contract, parseContract } from './core/contract.ts';
export type { Episode, EpisodeMeta, EpisodeStep } from './core/episode.ts';
export { readEpisode, salvageEpisode } from './core/episode-mcap.ts';
export { FaultError, InputError, LandfallError, MismatchError, NumericError } from './core/errors.ts';
export { Observer } from './core/observation.ts';
export { type ObservationTerm, observationTerms } from './core/observation-terms.ts';
export { foldIn, type Key, keyOf, RandomStream, split } from './core/rng.ts';
export type { JointCommand, Robot, RobotState, SimulatedRobot } from './core/robot.ts';
export type { RobotModel } from './core/robot-model.ts';
export { Actor } from './policy/actor.ts';
export { decodeBundle, loadBundle } from './policy/checkpoint.ts';
export { type Dynamics, nominalDynamics } from './sim/dynamics.ts';
export { Environment } from './sim/environment.ts';
export { loadRapier, RapierRobot } from './sim/rapier-robot.ts';
export { defineTask, type TaskDefinition } from './sim/task.ts';
export { makeTwin } from './sim/twin.ts';
export { parseUrdf } from './sim/urdf.ts';
