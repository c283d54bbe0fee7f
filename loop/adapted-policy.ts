/** What adapting reads of a run and leaves behind: the policy when it was accepted, the report always. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../core/errors.ts';
import { type Bundle, encodeBundle, loadTrainingState, writeAtomically, writeJson } from '../policy/checkpoint.ts';
import { SUCCESS_MARGIN, type Verdict } from '../policy/transfer/judge.ts';
import type { Adaptation, AdaptationReport, ArmReport, LearnedParameters } from './adaptation.ts';

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
export async function saveAdaptation(out: string, { actor, contract, report }: Adaptation): Promise<void> {
  const policy = join(out, 'policy.safetensors');
  if (report.accepted) await writeAtomically(policy, encodeBundle(contract, actor));
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
  const { verdict, chosen, fitted, fittedHeld, negativeTransfer } = report;
  return [
    `learned from ${report.trainEpisodes.length} episodes, judged by ${report.heldEpisodes.length} held out (${verdict.pairs} paired simulated episodes)`,
    `open-loop error of the simulator: ${fitted.nominalError.toFixed(3)} nominal, ${fitted.error.toFixed(3)} fitted (held out: ${fittedHeld.nominalError.toFixed(3)}, ${fittedHeld.error.toFixed(3)})`,
    '',
    `chosen: ${chosen.arm}`,
    ...chosen.why.split('\n').map((line) => `  ${line}`),
    '',
    '                return  success   change of return, between (90%)   change in the old simulator',
    ...report.arms.map((arm) => row(arm, arm.arm === chosen.arm)),
    '',
    ...report.arms.map(({ arm, doc }) => `  ${arm.padEnd(9)} ${doc}`),
    'A change whose two bounds have one sign is hardly chance; one whose bounds lie on both sides of 0 may be.',
    '',
    ...decision(report),
    `negative transfer (above 0 is harm): ${signed(negativeTransfer.zero)} against the policy as it was, ${signed(negativeTransfer.scratch)} against learning anew`,
    seal(report.arms.find(({ arm }) => arm === chosen.arm)!),
  ].join('\n');
}

function row({ arm, verdict, unfitted }: ArmReport, isChosen: boolean): string {
  const name = `${isChosen ? '*' : ' '} ${arm}`.padEnd(13);
  const figures = `${verdict.after.toFixed(2).padStart(8)}  ${percent(verdict.successAfter).padStart(7)}`;
  if (arm === 'none') return `${name} ${figures}`;
  const between = ({ difference, ci90 }: Verdict) =>
    `${signed(difference).padStart(7)}  ${signed(ci90[0])} to ${signed(ci90[1])}`.padEnd(29);
  return `${name} ${figures}   ${between(verdict)}   ${between(unfitted)}`.trimEnd();
}

/** What was decided, by which figures, in a sentence an engine. */
function decision({ accepted, chosen, byEngine }: AdaptationReport): string[] {
  if (chosen.arm === 'none') return ['not accepted: nothing was to be changed; the policy stays as it was'];
  const words = (name: string, { difference, ci90, margin, successCi90, accepted: isFine }: Verdict) =>
    `  in ${name}: return ${signed(difference)}, at worst ${signed(ci90[0])} (allowed ${signed(-margin)}); success at worst ${signed(100 * successCi90[0], 0)}% (allowed ${signed(-100 * SUCCESS_MARGIN, 0)}%): ${isFine ? 'not worse' : 'may be worse'}`;
  return [
    `is ${chosen.arm} no worse than the policy as it was? It must not be in either engine:`,
    words('Rapier', byEngine.rapier),
    words('MuJoCo', byEngine.mujoco),
    accepted ? 'accepted' : 'not accepted, rolled back: the policy stays as it was',
  ];
}

function seal({ arm, learned, seal: hashes }: ArmReport): string {
  if (hashes === null) return `${arm}: ${learned === 0 ? 'nothing learned' : `all ${learned} numbers learned`}`;
  return `${arm}: ${learned} numbers learned; all that is frozen ${hashes.before.slice(0, 16)} before, ${hashes.after.slice(0, 16)} after`;
}

function percent(share: number): string {
  return `${Math.round(100 * share)}%`;
}

function signed(value: number, digits = 2): string {
  const text = value.toFixed(digits);
  return value > 0 && Number(text) !== 0 ? `+${text}` : Number(text) === 0 ? text.replace('-', '') : text;
}
