/** The Rapier engine: its package, its start, the settings of its solver. One WASM build serves Node and the browser. */

import type RapierNamespace from '@dimforge/rapier3d';
import { LandfallError } from '../core/errors.ts';
import { findLayout, type RawEngine, watchStart } from './rapier-raw.ts';

export type Rapier = typeof RapierNamespace;

/** The engine's package and version, as the contract records them. */
export const RAPIER = { name: '@dimforge/rapier3d-simd-compat', version: '0.20.0' } as const;

export interface PhysicsSettings {
  /** One `World.step`, s. */
  readonly physicsDt: number;
  /** Sub-steps of the solver within one step. */
  readonly solverIterations: number;
  /** Sweeps over all joints and contacts within a sub-step; 1 if left out. */
  readonly solverSweeps?: number;
}

let loading: Promise<Rapier> | undefined;
let raw: RawEngine | undefined;

/** Load and start the engine, once. */
export function loadRapier(): Promise<Rapier> {
  loading ??= import('@dimforge/rapier3d').then(async (module) => {
    const functions = await watchStart(() => module.default.init());
    if (functions === undefined) {
      throw new LandfallError('the Rapier engine was started by something else', {
        repair: 'call loadRapier before anything else starts it',
      });
    }
    withoutClock(() => {
      const world = new module.default.World({ x: 0, y: 0, z: 0 });
      world.step();
      world.free();
    });
    raw = { functions, layout: findLayout(module.default, functions) };
    return module.default;
  });
  return loading;
}

/** The engine below its public interface. To be asked for once it is loaded. */
export function rawEngine(): RawEngine {
  return raw!;
}

/**
 * The engine reads the clock 32 times a step for a profile that nobody asked for, which is 5 to 10% of a robot's step. It
 * keeps the clock that it finds at its first step: give it one that stands still. No motion depends on it.
 */
function withoutClock(firstStep: () => void): void {
  const own = Object.getOwnPropertyDescriptor(globalThis, 'performance');
  Object.defineProperty(globalThis, 'performance', { value: { now: () => 0 }, configurable: true });
  try {
    firstStep();
  } finally {
    if (own === undefined) Reflect.deleteProperty(globalThis, 'performance');
    else Object.defineProperty(globalThis, 'performance', own);
  }
}
