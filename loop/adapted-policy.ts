/** What adapting reads of a run and leaves behind: the policy when it was accepted, the report always. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../core/errors.ts';
import { type Bundle, encodeBundle, loadTrainingState, writeAtomically, writeJson } from '../policy/checkpoint.ts';
import type { Adaptation, AdaptationReport } from './adaptation.ts';

/** All parameters that the run ended with, so that its critic need not be learned again. */
export async function learnedParameters({ path }: Bundle): Promise<Float32Array | null> {
  const folder = dirname(path);
  if (!existsSync(join(folder, 'learner.safetensors'))) return null;
  return (await loadTrainingState(folder)).learner.parameters;
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
  const { verdict, scratch, fitted, fittedHeld } = report;
  const row = (name: string, value: number, success: number) =>
    `  ${name.padEnd(22)} ${value.toFixed(2).padStart(8)}   ${`${Math.round(100 * success)}%`.padStart(4)}`;
  const width = Math.abs(verdict.ci90[1] - verdict.ci90[0]) / 2;
  return [
    `learned from ${report.trainEpisodes.length} episodes, judged by ${report.heldEpisodes.length} held out (${verdict.pairs} paired simulated episodes)`,
    `open-loop error of the simulator: ${fitted.nominalError.toFixed(3)} nominal, ${fitted.error.toFixed(3)} fitted (held out: ${fittedHeld.nominalError.toFixed(3)}, ${fittedHeld.error.toFixed(3)})`,
    '',
    '                            return   success',
    row('before', verdict.before, verdict.successBefore),
    row('last layer adapted', verdict.after, verdict.successAfter),
    row('from scratch', scratch.after, scratch.successAfter),
    '',
    `difference ${verdict.difference.toFixed(2)} ±${width.toFixed(2)} (90%); accepted from ${(-verdict.margin).toFixed(2)} upwards: ${report.accepted ? 'accepted' : 'not accepted, rolled back: the policy stays as it was'}`,
    `frozen body ${report.bodyBefore.slice(0, 16)} before, ${report.bodyAfter.slice(0, 16)} after`,
  ].join('\n');
}
