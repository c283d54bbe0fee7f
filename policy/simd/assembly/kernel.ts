/**
 * The arithmetic of the fast learner, in AssemblyScript: built into ../kernel-binary.ts by `npm run build:kernel`. Plain functions
 * over pointers into a shared memory; no state, no allocation, and sums in an order that the arguments alone decide, so
 * every thread and every machine computes the same bits. Knows no network: `simd-mlp.ts` strings these together.
 *
 * Parameters and gradients are dense, W [inputs, outputs] row-major. Activations are [rows, stride]: `stride` floats a row, a
 * multiple of 8 that holds the columns, and what lies beyond the columns is padding that may be overwritten.
 */

export { activate, activateGradient } from './activations.ts';
export { layerNorm, layerNormGradient } from './layer-norm.ts';
export { ppoPolicyGradient, ppoValueGradient } from './ppo.ts';
export { linear, linearInputGradient, linearWeightGradient } from './products.ts';
export { adam, gatherRows, polyak, squaredNorm, sumParts } from './vectors.ts';
