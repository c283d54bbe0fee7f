/**
 * Every operation that networks and losses here are made of, or will be soon, as a table: inputs, and a function of them.
 * The values are drawn so that no result lies on a kink, where two right backends may differ.
 */

import * as tf from '@tensorflow/tfjs';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { forward } from '../../../policy/network.ts';

export interface Operation {
  readonly name: string;
  /** Shapes of the inputs, drawn from N(0, 1) or, where `positive`, as |N(0, 1)| + 0.1. */
  readonly shapes: readonly number[][];
  readonly positive?: boolean;
  readonly f: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** False where there is no gradient. @default true */
  readonly differentiable?: boolean;
  /** Largest difference between right backends, in units of the largest value. @default 1e-5 */
  readonly tolerance?: number;
}

type Unary = (x: tf.Tensor) => tf.Tensor;

const unary = (names: Record<string, Unary>, positive = false): Operation[] =>
  Object.entries(names).map(([name, f]) => ({ name, shapes: [[7, 33]], positive, f: f as Operation['f'] }));

const binary = (names: Record<string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor>, positive = false): Operation[] =>
  Object.entries(names).flatMap(([name, f]) =>
    // biome-ignore format: a table
    [
      { of: 'same shapes', shapes: [[6, 17], [6, 17]] },
      { of: 'a row', shapes: [[6, 17], [17]] },
      { of: 'a column', shapes: [[6, 17], [6, 1]] },
      { of: 'a scalar', shapes: [[6, 17], []] },
    ].map(({ of, shapes }) => ({ name: `${name}, ${of}`, shapes, positive, f: f as Operation['f'] })),
  );

const rows = (values: number[]) => tf.tensor1d(values, 'int32');

/** y = gamma (x - E x) / sqrt(Var x + eps) + beta (Ba et al. 2016) */
function layerNorm(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor): tf.Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), gamma), beta);
}

/** Three steps of a gated recurrent unit (Cho et al. 2014): r, z, n = slices of x W + h U, h = (1 - z) n + z h. */
function gru(x: tf.Tensor, h0: tf.Tensor, w: tf.Tensor, u: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const hidden = h0.shape[1]!;
  let h = h0 as tf.Tensor2D;
  for (let t = 0; t < 3; t++) {
    const input = tf.squeeze(tf.slice(x, [0, t, 0], [-1, 1, -1]), [1]) as tf.Tensor2D;
    const [xr, xz, xn] = tf.split(tf.add(tf.matMul(input, w as tf.Tensor2D), b), 3, 1);
    const [hr, hz, hn] = tf.split(tf.matMul(h, u as tf.Tensor2D), 3, 1);
    const r = tf.sigmoid(tf.add(xr!, hr!));
    const z = tf.sigmoid(tf.add(xz!, hz!));
    const n = tf.tanh(tf.add(xn!, tf.mul(r, hn!)));
    h = tf.reshape(tf.add(tf.mul(tf.sub(1, z), n), tf.mul(z, h)), [-1, hidden]);
  }
  return h;
}

const matrices = ([false, true] as const).flatMap((a) =>
  ([false, true] as const).flatMap((b): Operation[] => [
    {
      name: `matMul${a ? ', first transposed' : ''}${b ? ', second transposed' : ''}`,
      shapes: [a ? [19, 9] : [9, 19], b ? [23, 19] : [19, 23]],
      f: (x, y) => tf.matMul(x as tf.Tensor, y as tf.Tensor, a, b),
    },
    {
      name: `matMul of a batch${a ? ', first transposed' : ''}${b ? ', second transposed' : ''}`,
      shapes: [a ? [3, 19, 9] : [3, 9, 19], b ? [3, 23, 19] : [3, 19, 23]],
      f: (x, y) => tf.matMul(x as tf.Tensor, y as tf.Tensor, a, b),
    },
  ]),
);

// biome-ignore format: a table
const single: readonly Operation[] = [
  // WGSL promises an absolute error of 2^-11 between -pi and pi, and SwiftShader makes use of it.
  { name: 'sin', shapes: [[7, 33]], f: tf.sin, tolerance: 2 ** -11 },
  { name: 'cos', shapes: [[7, 33]], f: tf.cos, tolerance: 2 ** -11 },
  // Their gradients in tfjs know no broadcasting.
  { name: 'minimum', shapes: [[6, 17], [6, 17]], f: tf.minimum },
  { name: 'maximum', shapes: [[6, 17], [6, 17]], f: tf.maximum },
  { name: 'squared difference', shapes: [[6, 17], [6, 17]], f: tf.squaredDifference },
  { name: 'concat, rows', shapes: [[3, 8], [5, 8]], f: (a, b) => tf.concat([a, b]) },
  { name: 'concat, columns', shapes: [[4, 3], [4, 8]], f: (a, b) => tf.concat([a, b], 1) },
  { name: 'layerNorm', shapes: [[9, 32], [32], [32]], f: layerNorm },
  { name: 'batchNorm', shapes: [[9, 32], [32], [32]], f: (x, a, b) => tf.batchNorm(x as tf.Tensor2D, tf.zeros([32]), tf.ones([32]), a as tf.Tensor1D, b as tf.Tensor1D) },
  { name: 'GRU, three steps', shapes: [[5, 3, 6], [5, 8], [6, 24], [8, 24], [24]], f: gru },
  { name: 'conv1d, stride 2', shapes: [[2, 24, 6], [5, 6, 8]], f: (x, w) => tf.conv1d(x as tf.Tensor3D, w as tf.Tensor3D, 2, 'valid') },
  { name: 'conv1d, padded', shapes: [[2, 24, 6], [3, 6, 8]], f: (x, w) => tf.conv1d(x as tf.Tensor3D, w as tf.Tensor3D, 1, 'same') },
  { name: 'conv2d', shapes: [[2, 12, 9, 3], [3, 3, 3, 8]], f: (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same') },
  { name: 'conv2d, stride 2', shapes: [[2, 12, 9, 3], [4, 4, 3, 8]], f: (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 2, 'valid') },
  { name: 'conv2dTranspose', shapes: [[2, 4, 4, 3], [3, 3, 5, 3]], f: (x, w) => tf.conv2dTranspose(x as tf.Tensor4D, w as tf.Tensor4D, [2, 8, 8, 5], 2, 'same') },
  { name: 'depthwiseConv2d', shapes: [[2, 9, 9, 4], [3, 3, 4, 2]], f: (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same') },
  { name: 'conv3d', shapes: [[1, 6, 5, 4, 2], [3, 3, 3, 2, 3]], f: (x, w) => tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, 1, 'same') },
  { name: 'maxPool', shapes: [[2, 8, 8, 3]], f: (x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid') },
  { name: 'maxPool, overlapping', shapes: [[2, 9, 9, 3]], f: (x) => tf.maxPool(x as tf.Tensor4D, 3, 2, 'same') },
  { name: 'avgPool', shapes: [[2, 8, 8, 3]], f: (x) => tf.avgPool(x as tf.Tensor4D, 2, 2, 'valid') },
  { name: 'greater', shapes: [[5, 9], [5, 9]], f: (a, b) => tf.cast(tf.greater(a, b), 'float32'), differentiable: false },
  // tfjs has no gradient for it.
  { name: 'strided slice', shapes: [[7, 33]], f: (x) => tf.stridedSlice(x, [0, 1], [7, 33], [2, 3]), differentiable: false },
  { name: 'argMax', shapes: [[5, 9]], f: (x) => tf.cast(tf.argMax(x, -1), 'float32'), differentiable: false },
  { name: 'sign and floor', shapes: [[5, 9]], f: (x) => tf.add(tf.sign(x), tf.floor(x)), differentiable: false },
];

export const operations: readonly Operation[] = [
  ...matrices,
  ...(['elu', 'tanh', 'relu'] as const).map((activation) => ({
    name: `dense network, ${activation}`,
    shapes: [[33, 10], [10, 32], [32], [32, 3], [3]],
    f: (x: tf.Tensor, ...w: tf.Tensor[]) => forward(w, activation, x as tf.Tensor2D),
  })),
  ...unary({
    elu: tf.elu,
    tanh: tf.tanh,
    relu: tf.relu,
    selu: tf.selu,
    sigmoid: tf.sigmoid,
    softplus: tf.softplus,
    leakyRelu: (x) => tf.leakyRelu(x, 0.1),
    swish: (x) => tf.mul(x, tf.sigmoid(x)),
    exp: tf.exp,
    expm1: tf.expm1,
    square: tf.square,
    abs: tf.abs,
    neg: tf.neg,
    clip: (x) => tf.clipByValue(x, -0.5, 0.7),
    'log-softmax': (x) => tf.logSoftmax(x),
    softmax: (x) => tf.softmax(x),
    'log-sum-exp': (x) => tf.logSumExp(x, -1),
    'sum of all': (x) => tf.sum(x),
    'sum over rows': (x) => tf.sum(x, 0),
    'sum over columns, kept': (x) => tf.sum(x, -1, true),
    'mean of all': (x) => tf.mean(x),
    'mean over rows': (x) => tf.mean(x, 0),
    'mean over columns': (x) => tf.mean(x, -1),
    'max over columns': (x) => tf.max(x, -1),
    'min over rows': (x) => tf.min(x, 0),
    'variance over columns': (x) => tf.moments(x, -1).variance,
    'sums so far': (x) => tf.cumsum(x, 1),
    norm: (x) => tf.norm(x),
    reshape: (x) => tf.reshape(x, [33, 7]),
    transpose: (x) => tf.transpose(x),
    'expand and tile': (x) => tf.tile(tf.expandDims(x, 1), [1, 3, 1]),
    pad: (x) =>
      tf.pad(x, [
        [1, 2],
        [0, 3],
      ]),
    reverse: (x) => tf.reverse(x, 1),
    slice: (x) => tf.slice(x, [2, 5], [3, 20]),
    'split and multiply': (x) => tf.split(x, [3, 10, 20], 1).reduce((y, part) => tf.mul(tf.sum(y), part)),
    'unstack and stack': (x) => tf.stack(tf.unstack(x).reverse(), 1),
    'rows gathered, one twice': (x) => tf.gather(x, rows([5, 0, 5, 2])),
    'columns gathered': (x) => tf.gather(x, rows([32, 0, 7, 7, 1]), 1),
    'sum of eight': (x) => tf.addN(Array.from({ length: 8 }, (_, i) => tf.mul(x, i + 1))),
    'where a mask says': (x) =>
      tf.where(tf.tile(tf.tensor2d([true, false, true], [1, 3], 'bool'), [7, 11]), tf.square(x), x),
    'mean of the chosen column': (x) => tf.mean(tf.sum(tf.mul(x, tf.oneHot(rows([3, 1, 4, 1, 5, 9, 2]), 33)), -1)),
  }),
  ...unary({ log: tf.log, log1p: tf.log1p, sqrt: tf.sqrt, rsqrt: tf.rsqrt, reciprocal: tf.reciprocal }, true),
  ...binary({
    add: tf.add,
    sub: tf.sub,
    mul: tf.mul,
  }),
  ...binary({ div: tf.div, pow: tf.pow }, true),
  ...single,
];

export interface Outcome {
  readonly value: Float32Array;
  /** Of sum(f(inputs) * c) with fixed random c, by input; none where it is not differentiable. */
  readonly gradients: readonly Float32Array[];
}

/** Run it on the backend that is open. Inputs and c follow from the operation alone. */
export async function run({ shapes, positive, f, differentiable = true }: Operation): Promise<Outcome> {
  const random = new RandomStream(keyOf(1));
  const draw = (shape: readonly number[]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return Float32Array.from({ length: size }, () =>
      positive === true ? Math.abs(random.normal()) + 0.1 : random.normal(),
    );
  };
  const tensors = tf.tidy(() => {
    const inputs = shapes.map((shape) => tf.tensor(draw(shape), [...shape]));
    const value = f(...inputs);
    if (!differentiable) return [value];
    const weights = tf.tensor(draw(value.shape), value.shape);
    return [value, ...tf.grads((...xs: tf.Tensor[]) => tf.sum(tf.mul(f(...xs), weights)))(inputs)];
  });
  const [value, ...gradients] = (await Promise.all(tensors.map((t) => t.data()))) as Float32Array[];
  tf.dispose(tensors);
  return { value: value!, gradients };
}
