/** How much memory a function allocates per call, once it is compiled. */

const CALLS = 2000;
const SEGMENTS = 41;

/** Median over segments, so that a collection or a compilation within one does not matter. Bytes. */
export function bytesPerCall(call: () => void): number {
  for (let i = 0; i < 20 * CALLS; i++) call();
  const grown: number[] = [];
  for (let segment = 0; segment < SEGMENTS; segment++) {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < CALLS; i++) call();
    grown.push(process.memoryUsage().heapUsed - before);
  }
  return grown.sort((a, b) => a - b)[Math.floor(SEGMENTS / 2)]! / CALLS;
}
