/**
 * One identification problem as plain data, and its evaluation in this thread: the residuals of every window at a search
 * point. The data crosses to worker threads as it is. Knows no search.
 */

import { NumericError } from '../../core/errors.ts';
import { DeltaAction, type DeltaActionModel } from '../delta-action.ts';
import type { Dynamics } from '../dynamics.ts';
import { loadRapier, type PhysicsSettings, RapierRobot } from '../rapier-robot.ts';
import { parseUrdf } from '../urdf.ts';
import { OpenLoop, residualCount, type StartVelocity } from './open-loop.ts';
import { dynamicsAt, type FitParameter } from './parameters.ts';
import type { Recording } from './recording.ts';
import type { Window } from './windows.ts';

/** Residual of a simulation that diverged, in deviations of the recording. */
const BLOWN_UP = 1e3;

export interface RobotRecipe {
  /** The URDF's text. */
  readonly urdf: string;
  readonly physics: PhysicsSettings;
  /** What is not fitted. */
  readonly nominal: Dynamics;
}

export interface ProblemWindow extends Window {
  /** Index into the recordings. */
  readonly recording: number;
}

export interface EvaluationRequest {
  readonly parameters: readonly FitParameter[];
  /** Values of what is not fitted. */
  readonly nominal: Dynamics;
  /** Search points, [points][parameters]. */
  readonly points: readonly (readonly number[])[];
  readonly windows: readonly ProblemWindow[];
  readonly start: StartVelocity;
  /** Corrects what drives the robot; weights that follow a point's parameters take the place of its own. @default none */
  readonly delta?: DeltaActionModel;
}

/** Residuals at each point, one array a window, in their order. The same numbers however the work is spread. */
export interface Evaluator {
  evaluate(request: EvaluationRequest): Promise<Float64Array[][]>;
  close(): Promise<void>;
}

/** Evaluates in this thread. */
export async function makeLocalEvaluator(robot: RobotRecipe, recordings: readonly Recording[]): Promise<Evaluator> {
  const simulate = await makeSimulator(robot, recordings);
  return {
    evaluate: async (request) => request.points.map((point) => simulate(request, point)),
    close: async () => undefined,
  };
}

/** The residuals of a request's windows at one of its points. */
export type Simulate = (request: Omit<EvaluationRequest, 'points'>, point: readonly number[]) => Float64Array[];

export async function makeSimulator(robot: RobotRecipe, recordings: readonly Recording[]): Promise<Simulate> {
  const model = parseUrdf(robot.urdf, { where: 'the URDF' });
  const rapier = new RapierRobot(await loadRapier(), model, robot.nominal, robot.physics);
  const openLoop = new OpenLoop(rapier, robot.physics.physicsDt);
  return ({ parameters, nominal, windows, start, delta }, point) => {
    const dynamics = dynamicsAt(parameters, point, nominal);
    const weights = point.slice(parameters.length);
    const correction =
      delta === undefined ? null : new DeltaAction(weights.length === 0 ? delta : { ...delta, weights });
    return windows.map((window) => {
      const recording = recordings[window.recording]!;
      const out = new Float64Array(residualCount(recording, window));
      try {
        openLoop.run(recording, window, dynamics, start, out, correction);
      } catch (error) {
        // A simulation that blows up makes the point worthless, not the search.
        if (!(error instanceof NumericError)) throw error;
        out.fill(BLOWN_UP);
      }
      return out;
    });
  };
}
