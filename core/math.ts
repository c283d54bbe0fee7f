/**
 * Elementary functions that give the same bits on every machine and in every JavaScript engine.
 * `Math.sin` and its kin are implementation-defined (ECMA-262 21.3.2); these use only + - * / sqrt and bit moves,
 * which IEEE 754 defines. Range reduction after Cody & Waite (1980), kernels as in FDLIBM (Sun, 1993).
 * Accuracy: within 2 ulp of the correctly rounded result for |x| < 1e5 (tanh within 12), which tests/core/math.test.ts holds.
 */

// pi/2 in three parts; the first two have trailing zeros so that n * part is exact for |n| < 2^20.
const PIO2_1 = 1.5707963267341256;
const PIO2_2 = 6.077100506303966e-11;
const PIO2_3 = 2.0222662487959506e-21;
const INV_PIO2 = 0.6366197723675814;

/**
 * Sine and cosine of each angle. One function on arrays: a number passed to another, or returned, would be allocated.
 * @param x rad
 */
export function sinCosEach(x: Float64Array, sines: Float64Array, cosines: Float64Array): void {
  for (let i = 0; i < x.length; i++) {
    const n = Math.round(x[i]! * INV_PIO2);
    const head = x[i]! - n * PIO2_1;
    const w = n * PIO2_2;
    const r = head - w;
    const tail = head - r - w - n * PIO2_3;
    // Within [-pi/4, pi/4], and what rounding left of it.
    const a = r + tail;
    const rest = r - a + tail;
    const z = a * a;
    const odd =
      0.00833333333332249 +
      z *
        (-0.0001984126982985795 +
          z * (0.0000027557313707070068 + z * (-2.5050760253406863e-8 + z * 1.58969099521155e-10)));
    const v = z * a;
    const s = a - (z * (0.5 * rest - v * odd) - rest - v * -0.16666666666666632);
    const even =
      z *
      (0.0416666666666666 +
        z *
          (-0.001388888888887411 +
            z *
              (0.00002480158728947673 +
                z * (-2.7557314351390663e-7 + z * (2.087572321298175e-9 + z * -1.1359647557788195e-11)))));
    const hz = 0.5 * z;
    const u = 1 - hz;
    const c = u + (1 - u - hz + (z * even - a * rest));
    // The quarter turn that the angle lies in.
    const isOdd = (n & 1) === 1;
    sines[i] = (n & 2) === 0 ? (isOdd ? c : s) : isOdd ? -c : -s;
    cosines[i] = ((n + 1) & 2) === 0 ? (isOdd ? s : c) : isOdd ? -s : -c;
  }
}

const turn = { angle: new Float64Array(1), sine: new Float64Array(1), cosine: new Float64Array(1) };

/** @param x rad */
export function sin(x: number): number {
  turn.angle[0] = x;
  sinCosEach(turn.angle, turn.sine, turn.cosine);
  return turn.sine[0]!;
}

/** @param x rad */
export function cos(x: number): number {
  turn.angle[0] = x;
  sinCosEach(turn.angle, turn.sine, turn.cosine);
  return turn.cosine[0]!;
}

const LN2_HI = 0.6931471803691238;
const LN2_LO = 1.9082149292705877e-10;
const INV_LN2 = Math.LOG2E;

const bits = new DataView(new ArrayBuffer(8));

/** x * 2^k for a normal result. */
function scaleByPowerOfTwo(x: number, k: number): number {
  if (k < -1021) return scaleByPowerOfTwo(x * 2 ** -1021, k + 1021);
  if (k > 1023) return scaleByPowerOfTwo(x * 2 ** 1023, k - 1023);
  bits.setUint32(0, (k + 1023) << 20);
  bits.setUint32(4, 0);
  return x * bits.getFloat64(0);
}

export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > 709.782712893384) return Infinity;
  if (x < -745.1332191019411) return 0;
  const k = Math.round(x * INV_LN2);
  const hi = x - k * LN2_HI;
  const lo = k * LN2_LO;
  const r = hi - lo;
  const t = r * r;
  const c =
    r -
    t *
      (0.16666666666666602 +
        t *
          (-0.0027777777777015593 +
            t * (0.00006613756321437934 + t * (-0.0000016533902205465252 + t * 4.1381367970572385e-8))));
  const y = 1 - (lo - (r * c) / (2 - c) - hi);
  return k === 0 ? y : scaleByPowerOfTwo(y, k);
}

/** 2^-k */
const HALVINGS = Float64Array.from({ length: 60 }, (_, k) => 2 ** -k);

/** x where it is positive, exp(x) - 1 elsewhere, each in its place: the bits of `exp`, without a number passed or returned. */
export function eluEach(x: Float32Array): void {
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    if (!(value < 0)) continue;
    // exp(-40) is lost beside 1.
    if (value < -40) {
      x[i] = -1;
      continue;
    }
    const k = Math.round(value * INV_LN2);
    const hi = value - k * LN2_HI;
    const lo = k * LN2_LO;
    const r = hi - lo;
    const t = r * r;
    const c =
      r -
      t *
        (0.16666666666666602 +
          t *
            (-0.0027777777777015593 +
              t * (0.00006613756321437934 + t * (-0.0000016533902205465252 + t * 4.1381367970572385e-8))));
    const y = 1 - (lo - (r * c) / (2 - c) - hi);
    x[i] = y * HALVINGS[0 - k]! - 1;
  }
}

const argument = new Float64Array(1);

/** Natural logarithm. */
export function log(x: number): number {
  argument[0] = x;
  logEach(argument);
  return argument[0]!;
}

/** Natural logarithm of each, in its place: a number passed or returned would be allocated. */
export function logEach(x: Float64Array): void {
  for (let i = 0; i < x.length; i++) {
    let value = x[i]!;
    if (!(value > 0 && value < Infinity)) {
      x[i] = value === 0 ? -Infinity : value > 0 ? value : NaN;
      continue;
    }
    let k = 0;
    if (value < 2.2250738585072014e-308) {
      value *= 2 ** 54;
      k = -54;
    }
    bits.setFloat64(0, value);
    const high = bits.getUint32(0);
    k += (high >>> 20) - 1023;
    bits.setUint32(0, (high & 0xfffff) | 0x3ff00000);
    let m = bits.getFloat64(0);
    // Centre the mantissa on 1: [sqrt(1/2), sqrt(2)).
    if (m > Math.SQRT2) {
      m *= 0.5;
      k += 1;
    }
    const f = m - 1;
    const s = f / (2 + f);
    const z = s * s;
    const r =
      z *
      (0.6666666666666735 +
        z *
          (0.3999999999940942 +
            z *
              (0.2857142874366239 +
                z *
                  (0.22222198432149784 +
                    z * (0.1818357216161805 + z * (0.15313837699209373 + z * 0.14798198605116586))))));
    const hfsq = 0.5 * f * f;
    x[i] = k * LN2_HI - (hfsq - (s * (hfsq + r) + k * LN2_LO) - f);
  }
}

/** Hyperbolic tangent; near 0 a short series keeps the relative error small. */
export function tanh(x: number): number {
  const a = Math.abs(x);
  if (a > 22) return x > 0 ? 1 : -1;
  if (a < 0.02) {
    const z = x * x;
    return x * (1 + z * (-1 / 3 + z * (2 / 15 + z * (-17 / 315 + (z * 62) / 2835))));
  }
  const e = exp(-2 * a);
  const t = (1 - e) / (1 + e);
  return x > 0 ? t : -t;
}

// atan at 0, 1/4, 1/2, 3/4, 1: the nearest one leaves an argument below 1/8 for the series.
const ATAN_QUARTERS = [0, 0.24497866312686414, 0.4636476090008061, 0.6435011087932844, 0.7853981633974483] as const;

/**
 * Arc tangent of each quotient y / x, full circle, rad in [-pi, pi]. By two argument halvings and a series. One function: a
 * number passed to another would be allocated.
 */
export function atan2Each(y: Float64Array, x: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) {
    const ax = Math.abs(x[i]!);
    const ay = Math.abs(y[i]!);
    if (ax === 0 && ay === 0) {
      out[i] = 0;
      continue;
    }
    const swap = ay > ax;
    // atan on [0, 1]: atan t = atan c + atan((t - c) / (1 + t c))
    const t = swap ? ax / ay : ay / ax;
    const quarter = Math.round(t * 4);
    const c = quarter / 4;
    const u = (t - c) / (1 + t * c);
    const z = u * u;
    const series =
      1 +
      z * (-1 / 3 + z * (1 / 5 + z * (-1 / 7 + z * (1 / 9 + z * (-1 / 11 + z * (1 / 13 + z * (-1 / 15 + z / 17)))))));
    let a = ATAN_QUARTERS[quarter]! + u * series;
    if (swap) a = Math.PI / 2 - a;
    if (x[i]! < 0) a = Math.PI - a;
    out[i] = y[i]! < 0 ? -a : a;
  }
}

const quotient = { y: new Float64Array(1), x: new Float64Array(1), angle: new Float64Array(1) };

/** `atan2Each` of one. @returns rad in [-pi, pi] */
export function atan2(y: number, x: number): number {
  quotient.y[0] = y;
  quotient.x[0] = x;
  atan2Each(quotient.y, quotient.x, quotient.angle);
  return quotient.angle[0]!;
}

/** The same angle in [-pi, pi). @param angle rad */
export function wrapAngle(angle: number): number {
  const turns = Math.floor((angle + Math.PI) / (2 * Math.PI));
  return angle - turns * 2 * Math.PI;
}

export function clamp(x: number, lower: number, upper: number): number {
  return x < lower ? lower : x > upper ? upper : x;
}
