/**
 * A fit with its certainty: parameters that the recordings cannot tell keep their nominal values, and the rest is fitted
 * again without them, until every one that is left is known. Knows no files.
 */

import type { Dynamics } from '../dynamics.ts';
import { type Fit, type FitBudget, type FitOptions, type FitTask, fit } from './fit.ts';
import { type Certainty, certaintyOf, firstToGiveUp } from './identifiability.ts';
import { type FitParameter, parameterValue } from './parameters.ts';

export interface ParameterEstimate {
  readonly parameter: FitParameter;
  /** The fitted value, or the nominal one when the recordings do not tell it. */
  readonly value: number;
  readonly nominal: number;
  readonly sd: number;
  readonly relativeSd: number;
  readonly identifiable: boolean;
  readonly confoundedWith: FitParameter | null;
  readonly atEdge: boolean;
}

export interface Estimation {
  readonly dynamics: Dynamics;
  readonly estimates: readonly ParameterEstimate[];
  readonly fit: Fit;
}

/** @param independentShares of each recording: stride over length of its windows, at most 1 */
export async function estimate(
  task: FitTask,
  options: FitOptions,
  independentShares: readonly number[],
): Promise<Estimation> {
  const { nominal } = task;
  const sampling = { nJoints: task.recordings[0]!.joints.length, independentShares };
  const givenUp: ParameterEstimate[] = [];
  let parameters = task.parameters;
  let current = await fit(task, options);
  for (;;) {
    const { point, problem } = current;
    const certainties = await certaintyOf(parameters, point, problem, sampling);
    const drop = firstToGiveUp(certainties);
    if (drop === null) {
      const kept = certainties.map((c): ParameterEstimate => ({ ...c, nominal: parameterValue(c.parameter, nominal) }));
      return { dynamics: current.dynamics, estimates: inOrder(task.parameters, [...kept, ...givenUp]), fit: current };
    }
    givenUp.push(asNominal(drop, nominal));
    parameters = parameters.filter((parameter) => parameter !== drop.parameter);
    const budget: FitBudget = { ...options.budget, searchEvaluations: 0 };
    current = await fit({ ...task, parameters }, { ...options, budget, start: current.dynamics });
  }
}

function asNominal(certainty: Certainty, dynamics: Dynamics): ParameterEstimate {
  const nominal = parameterValue(certainty.parameter, dynamics);
  return { ...certainty, value: nominal, nominal };
}

function inOrder(parameters: readonly FitParameter[], estimates: readonly ParameterEstimate[]): ParameterEstimate[] {
  return parameters.map((parameter) => estimates.find((e) => e.parameter === parameter)!);
}
