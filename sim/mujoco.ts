/**
 * The MuJoCo engine: its package, its start, its compiler's complaints. One WASM build serves Node and the browser.
 * MuJoCo: https://mujoco.readthedocs.io, E. Todorov et al., IROS 2012.
 */

import type { MainModule, MjModel } from '@mujoco/mujoco';
import { InputError, messageOf } from '../core/errors.ts';

/** The engine's package and version, as the contract records them. */
export const MUJOCO = { name: '@mujoco/mujoco', version: '3.14.0' } as const;

/** The longest physics step that is taken, s. */
export const TWIN_DT = 0.002;

let loading: Promise<MainModule> | undefined;

/** Load and start the engine, once. */
export function loadMujoco(): Promise<MainModule> {
  loading ??= import('@mujoco/mujoco').then((module) => module.default());
  return loading;
}

/** @param what the text describes, for the message @throws InputError when MuJoCo refuses it */
export function compileMjcf(mujoco: MainModule, xml: string, what: string): MjModel {
  try {
    return mujoco.MjModel.from_xml_string(xml);
  } catch (error) {
    const reason = messageOf(error)
      .replace(/^MuJoCo Error: (Loading error: )?(Error: )?/, '')
      .replace(/\s+/g, ' ')
      .trim();
    throw new InputError(`${what}: MuJoCo cannot build it: ${reason}`, {
      repair: 'correct the shape or the number it names',
      cause: error,
    });
  }
}
