/** Packages that a machine may lack: how one is imported, and the error that says that a backend cannot be had. Knows no tfjs. */

import { LandfallError, messageOf } from '../core/errors.ts';

/** Why a backend cannot be started on this machine. */
export class Unavailable extends LandfallError {}

/** @throws Unavailable when the package is not installed, or is and cannot be loaded, which is told apart */
export async function importOptional(name: string): Promise<unknown> {
  try {
    return await import(name);
  } catch (error) {
    const absent =
      (error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND' && messageOf(error).includes(`'${name}'`);
    const reason = absent ? 'is not installed' : `cannot be loaded: ${messageOf(error).split('\n')[0]}`;
    throw new Unavailable(`package ${name} ${reason}`, { cause: error });
  }
}
