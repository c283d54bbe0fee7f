/** The discrete linear-quadratic regulator, for tests: zero-order hold by the exponential's series, Riccati by iteration. */

export type Matrix = readonly (readonly number[])[];

export function multiply(a: Matrix, b: Matrix): number[][] {
  return a.map((row) => b[0]!.map((_, j) => row.reduce((sum, v, k) => sum + v * b[k]![j]!, 0)));
}

export function transpose(a: Matrix): number[][] {
  return a[0]!.map((_, j) => a.map((row) => row[j]!));
}

function add(a: Matrix, b: Matrix, factor = 1): number[][] {
  return a.map((row, i) => row.map((v, j) => v + factor * b[i]![j]!));
}

export function diagonal(values: readonly number[]): number[][] {
  return values.map((v, i) => values.map((_, j) => (i === j ? v : 0)));
}

/** x+ = A x + B u of xd = a x + b u with u held for dt: exp [[a, b], [0, 0]] dt. */
export function hold(a: Matrix, b: readonly number[], dt: number): { A: number[][]; B: number[][] } {
  const n = a.length;
  const generator = [...a.map((row, i) => [...row, b[i]!].map((v) => v * dt)), new Array<number>(n + 1).fill(0)];
  let term: number[][] = diagonal(new Array<number>(n + 1).fill(1));
  let sum = term;
  // |generator| < 3 in these tests: 3^40 / 40! = 1e-29.
  for (let k = 1; k <= 40; k++) {
    term = multiply(term, generator).map((row) => row.map((v) => v / k));
    sum = add(sum, term);
  }
  return { A: sum.slice(0, n).map((row) => row.slice(0, n)), B: sum.slice(0, n).map((row) => [row[n]!]) };
}

/** K and S of u = -K x, which makes sum x' Q x + r u^2 least; S = Q + A'SA - A'SB (r + B'SB)^-1 B'SA. */
export function regulator(A: Matrix, B: Matrix, Q: Matrix, r: number): { K: number[]; S: number[][] } {
  let S: number[][] = Q.map((row) => [...row]);
  for (let i = 0; i < 20_000; i++) {
    const bs = multiply(transpose(B), S);
    const gain = multiply(bs, A)[0]!.map((v) => v / (r + multiply(bs, B)[0]![0]!));
    const as = multiply(transpose(A), S);
    const next = add(add(Q, multiply(as, A)), multiply(multiply(as, B), [gain]), -1);
    const change = Math.max(...next.flatMap((row, k) => row.map((v, j) => Math.abs(v - S[k]![j]!))));
    S = next;
    if (change < 1e-12 * Math.max(...S.flat())) return { K: gain, S };
  }
  throw new Error('the Riccati iteration does not converge');
}
