/** Ridge regression of a linear head, shrunk to nothing or to a head that was there, its strength by cross-validation over groups. */

export interface LinearHead {
  /** [inputs, outputs] */
  readonly weight: Float64Array;
  /** [outputs] */
  readonly bias: Float64Array;
}

/** Strengths tried, in units of the features' mean square. */
const STRENGTHS = [1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100] as const;
const FOLDS = 5;

/**
 * min sum |y - b - W'x|^2 + lambda |W - W0|^2
 * @param x [samples, inputs] @param y [samples, outputs] @param group samples of one group stand or fall together, [samples]
 * @param towards the head W0, b0; 0 without
 */
export function ridgeHead(
  x: Float32Array,
  y: Float64Array,
  inputs: number,
  outputs: number,
  group: readonly number[],
  towards: LinearHead | null = null,
): LinearHead {
  const base: LinearHead = towards ?? { weight: new Float64Array(inputs * outputs), bias: new Float64Array(outputs) };
  const rest = y.slice();
  const told = applyHead(base, x, inputs, outputs);
  for (let i = 0; i < rest.length; i++) rest[i] = rest[i]! - told[i]!;
  const folds = Math.min(FOLDS, new Set(group).size);
  let [best, least] = [STRENGTHS.at(-1) as number, Infinity];
  for (const strength of folds > 1 ? STRENGTHS : []) {
    let error = 0;
    for (let fold = 0; fold < folds; fold++) {
      const head = fit(x, rest, inputs, outputs, strength, (i) => group[i]! % folds !== fold);
      const guess = applyHead(head, x, inputs, outputs);
      for (let i = 0; i < group.length; i++) {
        if (group[i]! % folds !== fold) continue;
        for (let o = 0; o < outputs; o++) error += (rest[i * outputs + o]! - guess[i * outputs + o]!) ** 2;
      }
    }
    if (error < least) [best, least] = [strength, error];
  }
  const head = fit(x, rest, inputs, outputs, best, () => true);
  return {
    weight: head.weight.map((value, i) => value + base.weight[i]!),
    bias: head.bias.map((value, i) => value + base.bias[i]!),
  };
}

/** [samples, outputs] */
export function applyHead(
  { weight, bias }: LinearHead,
  x: Float32Array,
  inputs: number,
  outputs: number,
): Float64Array {
  const out = new Float64Array((x.length / inputs) * outputs);
  for (let i = 0; i * inputs < x.length; i++) {
    for (let o = 0; o < outputs; o++) {
      let sum = bias[o]!;
      for (let k = 0; k < inputs; k++) sum += x[i * inputs + k]! * weight[k * outputs + o]!;
      out[i * outputs + o] = sum;
    }
  }
  return out;
}

function fit(
  x: Float32Array,
  y: Float64Array,
  inputs: number,
  outputs: number,
  strength: number,
  uses: (sample: number) => boolean,
): LinearHead {
  const rows = Array.from({ length: x.length / inputs }, (_, i) => i).filter(uses);
  const mean = new Float64Array(inputs);
  const target = new Float64Array(outputs);
  for (const i of rows) {
    for (let k = 0; k < inputs; k++) mean[k] = mean[k]! + x[i * inputs + k]! / rows.length;
    for (let o = 0; o < outputs; o++) target[o] = target[o]! + y[i * outputs + o]! / rows.length;
  }
  const gram = new Float64Array(inputs * inputs);
  const cross = new Float64Array(inputs * outputs);
  const row = new Float64Array(inputs);
  for (const i of rows) {
    for (let k = 0; k < inputs; k++) row[k] = x[i * inputs + k]! - mean[k]!;
    for (let k = 0; k < inputs; k++) {
      if (row[k] === 0) continue;
      for (let j = 0; j <= k; j++) gram[k * inputs + j] = gram[k * inputs + j]! + row[k]! * row[j]!;
      for (let o = 0; o < outputs; o++)
        cross[k * outputs + o] = cross[k * outputs + o]! + row[k]! * (y[i * outputs + o]! - target[o]!);
    }
  }
  let trace = 0;
  for (let k = 0; k < inputs; k++) trace += gram[k * inputs + k]!;
  for (let k = 0; k < inputs; k++) gram[k * inputs + k] = gram[k * inputs + k]! + (strength * trace) / inputs + 1e-12;
  const weight = solveCholesky(gram, cross, inputs, outputs);
  const bias = target.slice();
  for (let k = 0; k < inputs; k++)
    for (let o = 0; o < outputs; o++) bias[o] = bias[o]! - mean[k]! * weight[k * outputs + o]!;
  return { weight, bias };
}

/** A x = b for a symmetric positive A of which the lower half is given; both are overwritten. */
function solveCholesky(a: Float64Array, b: Float64Array, n: number, columns: number): Float64Array {
  for (let j = 0; j < n; j++) {
    for (let k = 0; k < j; k++) {
      const l = a[j * n + k]!;
      for (let i = j; i < n; i++) a[i * n + j] = a[i * n + j]! - a[i * n + k]! * l;
    }
    const root = Math.sqrt(a[j * n + j]!);
    for (let i = j; i < n; i++) a[i * n + j] = a[i * n + j]! / root;
  }
  for (let o = 0; o < columns; o++) {
    for (let i = 0; i < n; i++) {
      let sum = b[i * columns + o]!;
      for (let k = 0; k < i; k++) sum -= a[i * n + k]! * b[k * columns + o]!;
      b[i * columns + o] = sum / a[i * n + i]!;
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = b[i * columns + o]!;
      for (let k = i + 1; k < n; k++) sum -= a[k * n + i]! * b[k * columns + o]!;
      b[i * columns + o] = sum / a[i * n + i]!;
    }
  }
  return b;
}
