/** What adapting reads of a run and leaves behind: the policy when it was accepted, the report always. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../core/errors.ts';
import { type Bundle, encodeBundle, loadTrainingState, writeAtomically, writeJson } from '../policy/checkpoint.ts';
import { SUCCESS_MARGIN, type Verdict } from '../policy/transfer/judge.ts';
import type { Adaptation, AdaptationReport, LearnedParameters } from './adaptation.ts';

/** What the run had learned with this policy, so that its critic need not be learned again; null for a policy alone. */
export async function learnedParameters({ path, contract }: Bundle): Promise<LearnedParameters | null> {
  const folder = dirname(path);
  // Only PPO left what PPO can go on with.
  if ((contract.config.algorithm ?? 'ppo') !== 'ppo') return null;
  if (!existsSync(join(folder, 'learner.safetensors'))) return null;
  const { learner, criticNormalizer } = await loadTrainingState(folder);
  return { parameters: learner.parameters, ...(criticNormalizer === undefined ? {} : { criticNormalizer }) };
}

/** The adapted policy when it was accepted; the report always. */
export async function saveAdaptation(out: string, bundle: Bundle, { actor, report }: Adaptation): Promise<void> {
  const policy = join(out, 'policy.safetensors');
  if (report.accepted) await writeAtomically(policy, encodeBundle(bundle.contract, actor));
  else if (existsSync(policy)) {
    throw new InputError(`${policy}: an earlier adaptation lies here, and this one was not accepted`, {
      repair: 'give another --out',
    });
  }
  await writeJson(join(out, 'report.json'), report);
  await writeAtomically(join(out, 'report.md'), `# Adaptation\n\n${explain(report)}\n`);
}

/** The report in words. */
export function explain(report: AdaptationReport): string {
  const { verdict, byEngine, scratch, fitted, fittedHeld } = report;
  const row = (name: string, value: number, success: number) =>
    `  ${name.padEnd(22)} ${value.toFixed(2).padStart(8)}   ${`${Math.round(100 * success)}%`.padStart(4)}`;
  const words = (name: string, { difference, ci90, margin, successCi90 }: Verdict) =>
    `  in ${name}: return ${signed(difference)} [${signed(ci90[0])}, ${signed(ci90[1])}], success at worst ${signed(100 * successCi90[0], 0)}%; allowed ${signed(-margin)} and ${signed(-100 * SUCCESS_MARGIN, 0)}%`;
  return [
    `learned from ${report.trainEpisodes.length} episodes, judged by ${report.heldEpisodes.length} held out (${verdict.pairs} paired simulated episodes)`,
    `open-loop error of the simulator: ${fitted.nominalError.toFixed(3)} nominal, ${fitted.error.toFixed(3)} fitted (held out: ${fittedHeld.nominalError.toFixed(3)}, ${fittedHeld.error.toFixed(3)})`,
    '',
    '                            return   success',
    row('before', verdict.before, verdict.successBefore),
    row('last layer adapted', verdict.after, verdict.successAfter),
    row('from scratch', scratch.after, scratch.successAfter),
    '',
    'change by adapting, with 90% interval:',
    words('Rapier', byEngine.rapier),
    words('MuJoCo', byEngine.mujoco),
    report.accepted ? 'accepted' : 'not accepted, rolled back: the policy stays as it was',
    `frozen body ${report.bodyBefore.slice(0, 16)} before, ${report.bodyAfter.slice(0, 16)} after`,
  ].join('\n');
}

function signed(value: number, digits = 2): string {
  const text = value.toFixed(digits);
  return value > 0 && Number(text) !== 0 ? `+${text}` : Number(text) === 0 ? text.replace('-', '') : text;
}
