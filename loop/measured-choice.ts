/**
 * The arm that the selector names, from what is measured of the recordings. Every arm here learns in the simulator fitted to them,
 * so "identify" is the last layer learned there with nothing to hold it back. Prints nothing.
 */

import type { ArmName } from '../policy/transfer/arms.ts';
import { type Strategy, selectStrategy } from '../policy/transfer/selector.ts';
import { type ArmChoice, type ArmFacts, type ChooseArm, chooseHead } from './arm-choice.ts';
import { measureAgainstSimulation } from './target-measurement.ts';

const ARM_OF: Readonly<Record<Strategy, { readonly arm: ArmName; readonly retention?: number }>> = {
  none: { arm: 'none' },
  scratch: { arm: 'scratch' },
  // Much like the simulation: what the policy does there is right but for little.
  head: { arm: 'head', retention: 1 },
  identify: { arm: 'head' },
  full: { arm: 'l2sp' },
  replay: { arm: 'full' },
};

/** @param seed of the simulated episodes that the recordings are compared with */
export function chooseMeasured(seed: number): ChooseArm {
  return async (known: ArmFacts): Promise<ArmChoice> => {
    const { material } = known;
    // Recordings of another controller do not say what this policy would have seen and done.
    if (material.episodes.some(({ steps }) => steps[0]!.action.length === 0 || steps[0]!.obs.length === 0))
      return chooseHead(known);
    const { bundle, experiment, episodes } = material;
    const { facts } = await measureAgainstSimulation(bundle, experiment, episodes, seed);
    const { strategy, reason } = selectStrategy(facts);
    return { ...ARM_OF[strategy], why: reason };
  };
}
