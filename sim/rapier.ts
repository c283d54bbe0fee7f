/** The Rapier engine: its package, its start, the settings of its solver. One WASM build serves Node and the browser. */

import type RapierNamespace from '@dimforge/rapier3d';

export type Rapier = typeof RapierNamespace;

/** The engine's package and version, as the contract records them. */
export const RAPIER = { name: '@dimforge/rapier3d-simd-compat', version: '0.20.0' } as const;

export interface PhysicsSettings {
  /** One `World.step`, s. */
  readonly physicsDt: number;
  /** Sub-steps of the solver within one step. */
  readonly solverIterations: number;
}

let loading: Promise<Rapier> | undefined;

/** Load and start the engine, once. */
export function loadRapier(): Promise<Rapier> {
  loading ??= import('@dimforge/rapier3d').then(async (module) => {
    await module.default.init();
    return module.default;
  });
  return loading;
}
