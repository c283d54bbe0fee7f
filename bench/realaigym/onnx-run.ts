/**
 * A policy's ONNX file in the judge's run: ONNX Runtime in the loop instead of this project's network. The runtime is a development
 * dependency; without it there is no run.
 */

import type { Bundle } from '../../policy/checkpoint.ts';
import { encodeOnnx } from '../../policy/export/policy-onnx.ts';
import { type JudgedTask, judged, leaderboardPlant } from './judge.ts';
import { policyLoop } from './policy-controller.ts';
import { simulation, type Trajectory } from './simulate.ts';

/** As much of ONNX Runtime as is used here. */
interface Runtime {
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => object;
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: { executionProviders: string[] }): Promise<Session>;
  };
}

interface Session {
  run(feeds: Readonly<Record<string, object>>): Promise<Readonly<Record<string, { readonly data: unknown }>>>;
  release(): Promise<void>;
}

// A variable, so that neither compiler nor bundler looks for what need not be installed.
const RUNTIME: string = 'onnxruntime-web';

/** @returns null where the runtime is not installed */
export async function onnxRun(task: JudgedTask, bundle: Bundle): Promise<Trajectory | null> {
  const runtime = await import(RUNTIME).then(
    (module) => module as Runtime,
    () => null,
  );
  if (runtime === null) return null;
  const { joints, driven, dt } = judged[task];
  const loop = policyLoop(bundle.contract, joints, driven, dt);
  const { bytes } = encodeOnnx(bundle, { name: 'landfall', version: '0' });
  const session = await runtime.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  try {
    const run = simulation(leaderboardPlant(task), judged[task]);
    loop.reset();
    let next = run.next();
    while (next.done !== true) {
      const obs = loop.observe(next.value.measured, next.value.time);
      if (obs !== null) {
        const { action } = await session.run({ obs: new runtime.Tensor('float32', obs, [1, obs.length]) });
        loop.apply(action!.data as Float32Array);
      }
      next = run.next(loop.torque);
    }
    return next.value;
  } finally {
    await session.release();
  }
}
