/** Matrix products: eight columns at a time from a packed panel, four rows at a time in registers. AssemblyScript. */

/** Rows of `w` into a panel [1 + inner, 8] of which the first row is the bias; columns from `width` on are 0. */
function pack(panel: usize, w: usize, ldw: i32, b: usize, inner: i32, width: i32): void {
  if (width >= 8) {
    v128.store(panel, b === 0 ? f32x4.splat(0) : v128.load(b));
    v128.store(panel, b === 0 ? f32x4.splat(0) : v128.load(b, 16), 16);
    for (let k = 0; k < inner; k++) {
      panel += 32;
      v128.store(panel, v128.load(w));
      v128.store(panel, v128.load(w, 16), 16);
      w += (<usize>ldw) << 2;
    }
    return;
  }
  memory.fill(panel, 0, (<usize>(inner + 1)) << 5);
  for (let c = 0; c < width; c++) {
    const column = panel + ((<usize>c) << 2);
    if (b !== 0) store<f32>(column, load<f32>(b + ((<usize>c) << 2)));
    for (let k = 0; k < inner; k++) {
      store<f32>(column + ((<usize>(k + 1)) << 5), load<f32>(w + ((<usize>(k * ldw + c)) << 2)));
    }
  }
}

/** Four rows of four numbers, `row` bytes apart, become columns, `step` bytes apart. */
function transpose4(to: usize, step: usize, from: usize, row: usize): void {
  const r0 = v128.load(from);
  const r1 = v128.load(from + row);
  const r2 = v128.load(from + 2 * row);
  const r3 = v128.load(from + 3 * row);
  const a = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
  const b = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
  const c = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
  const d = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(a, b, 0, 2));
  v128.store(to + step, v128.shuffle<i64>(a, b, 1, 3));
  v128.store(to + 2 * step, v128.shuffle<i64>(c, d, 0, 2));
  v128.store(to + 3 * step, v128.shuffle<i64>(c, d, 1, 3));
}

/** The same of W^T: `width` rows of w, each of `inner` numbers, become columns; no bias. */
function packTransposed(panel: usize, w: usize, ldw: i32, inner: i32, width: i32): void {
  memory.fill(panel, 0, width >= 8 ? 32 : (<usize>(inner + 1)) << 5);
  const row = (<usize>ldw) << 2;
  let k = 0;
  let c = 0;
  for (; c + 3 < width; c += 4) {
    let from = w + <usize>c * row;
    let to = panel + 32 + ((<usize>c) << 2);
    for (k = 0; k + 3 < inner; k += 4) {
      transpose4(to, 32, from, row);
      from += 16;
      to += 128;
    }
    for (; k < inner; k++) {
      store<f32>(to, load<f32>(from), 0);
      store<f32>(to, load<f32>(from + row), 4);
      store<f32>(to, load<f32>(from + 2 * row), 8);
      store<f32>(to, load<f32>(from + 3 * row), 12);
      from += 4;
      to += 32;
    }
  }
  for (; c < width; c++) {
    for (k = 0; k < inner; k++) {
      store<f32>(
        panel + ((<usize>(k + 1)) << 5) + ((<usize>c) << 2),
        load<f32>(w + <usize>c * row + ((<usize>k) << 2)),
      );
    }
  }
}

/** Whole fours of rows, each [inner, 4]: what a tile reads lies behind one pointer. */
function packRows(packed: usize, x: usize, ldx: i32, rows: i32, inner: i32): void {
  const row = (<usize>ldx) << 2;
  for (let i = 0; i + 3 < rows; i += 4) {
    let from = x;
    let k = 0;
    for (; k + 3 < inner; k += 4) {
      transpose4(packed, 16, from, row);
      from += 16;
      packed += 64;
    }
    for (; k < inner; k++) {
      store<f32>(packed, load<f32>(from), 0);
      store<f32>(packed, load<f32>(from + row), 4);
      store<f32>(packed, load<f32>(from + 2 * row), 8);
      store<f32>(packed, load<f32>(from + 3 * row), 12);
      from += 4;
      packed += 16;
    }
    x += row << 2;
  }
}

/** Eight columns of y = x panel + bias: four rows at a time from `packed`, their sums in registers; the last ones from x. */
function multiplyPanel(
  y: usize,
  ldy: i32,
  x: usize,
  ldx: i32,
  packed: usize,
  panel: usize,
  rows: i32,
  inner: i32,
): void {
  const rowY = (<usize>ldy) << 2;
  const end = panel + 32 + ((<usize>inner) << 5);
  let i = 0;
  for (; i + 3 < rows; i += 4) {
    let s00 = v128.load(panel);
    let s01 = v128.load(panel, 16);
    let s10 = s00;
    let s11 = s01;
    let s20 = s00;
    let s21 = s01;
    let s30 = s00;
    let s31 = s01;
    for (let p = panel + 32; p < end; p += 32) {
      const w0 = v128.load(p);
      const w1 = v128.load(p, 16);
      let v = v128.load32_splat(packed);
      s00 = f32x4.add(s00, f32x4.mul(v, w0));
      s01 = f32x4.add(s01, f32x4.mul(v, w1));
      v = v128.load32_splat(packed, 4);
      s10 = f32x4.add(s10, f32x4.mul(v, w0));
      s11 = f32x4.add(s11, f32x4.mul(v, w1));
      v = v128.load32_splat(packed, 8);
      s20 = f32x4.add(s20, f32x4.mul(v, w0));
      s21 = f32x4.add(s21, f32x4.mul(v, w1));
      v = v128.load32_splat(packed, 12);
      s30 = f32x4.add(s30, f32x4.mul(v, w0));
      s31 = f32x4.add(s31, f32x4.mul(v, w1));
      packed += 16;
    }
    v128.store(y, s00);
    v128.store(y, s01, 16);
    y += rowY;
    v128.store(y, s10);
    v128.store(y, s11, 16);
    y += rowY;
    v128.store(y, s20);
    v128.store(y, s21, 16);
    y += rowY;
    v128.store(y, s30);
    v128.store(y, s31, 16);
    y += rowY;
  }
  x += (<usize>(i * ldx)) << 2;
  for (; i < rows; i++) {
    let s0 = v128.load(panel);
    let s1 = v128.load(panel, 16);
    let x0 = x;
    for (let p = panel + 32; p < end; p += 32) {
      const v = v128.load32_splat(x0);
      s0 = f32x4.add(s0, f32x4.mul(v, v128.load(p)));
      s1 = f32x4.add(s1, f32x4.mul(v, v128.load(p, 16)));
      x0 += 4;
    }
    v128.store(y, s0);
    v128.store(y, s1, 16);
    y += rowY;
    x += (<usize>ldx) << 2;
  }
}

/** y [rows, ldy] = x [rows, ldx] W [inner, cols] + b [cols]; b may be 0. @param panel scratch, 8 (inner + 1) + rows inner floats */
export function linear(
  y: usize,
  ldy: i32,
  x: usize,
  ldx: i32,
  w: usize,
  b: usize,
  rows: i32,
  inner: i32,
  cols: i32,
  panel: usize,
): void {
  const packed = panel + ((<usize>(inner + 1)) << 5);
  packRows(packed, x, ldx, rows, inner);
  for (let j = 0; j < cols; j += 8) {
    const at = (<usize>j) << 2;
    pack(panel, w + at, cols, b === 0 ? 0 : b + at, inner, cols - j);
    multiplyPanel(y + at, ldy, x, ldx, packed, panel, rows, inner);
  }
}

/** dx [rows, lddx] = dy [rows, lddy] W^T, W [cols, inner]. @param panel scratch, 8 (inner + 1) + rows inner floats */
export function linearInputGradient(
  dx: usize,
  lddx: i32,
  dy: usize,
  lddy: i32,
  w: usize,
  rows: i32,
  inner: i32,
  cols: i32,
  panel: usize,
): void {
  const packed = panel + ((<usize>(inner + 1)) << 5);
  packRows(packed, dy, lddy, rows, inner);
  for (let j = 0; j < cols; j += 8) {
    packTransposed(panel, w + ((<usize>(j * inner)) << 2), inner, inner, min(8, cols - j));
    multiplyPanel(dx + ((<usize>j) << 2), lddx, dy, lddy, packed, panel, rows, inner);
  }
}

/** Eight numbers, of which the first `width` count, into a dense row: stored or added. */
function put(to: usize, v0: v128, v1: v128, width: i32, add: bool): void {
  if (width >= 8) {
    v128.store(to, add ? f32x4.add(v128.load(to), v0) : v0);
    v128.store(to, add ? f32x4.add(v128.load(to, 16), v1) : v1, 16);
    return;
  }
  let v = v0;
  for (let c = 0; c < width; c++) {
    if (c === 4) v = v1;
    const at = to + ((<usize>c) << 2);
    const value = f32x4.extract_lane(v, 0);
    store<f32>(at, add ? load<f32>(at) + value : value);
    v = v128.shuffle<i32>(v, v, 1, 2, 3, 0);
  }
}

/** dW [inner, cols] (+)= x^T dy, db [cols] (+)= sum over rows of dy; db may be 0. @param add 0 to overwrite */
export function linearWeightGradient(
  dw: usize,
  db: usize,
  x: usize,
  ldx: i32,
  dy: usize,
  lddy: i32,
  rows: i32,
  inner: i32,
  cols: i32,
  add: i32,
): void {
  const rowX = (<usize>ldx) << 2;
  const rowY = (<usize>lddy) << 2;
  const row = (<usize>cols) << 2;
  const more = add !== 0;
  for (let j = 0; j < cols; j += 8) {
    const width = cols - j;
    const at = (<usize>j) << 2;
    const end = dy + at + <usize>rows * rowY;
    let to = dw + at;
    let i = 0;
    for (; i + 3 < inner; i += 4) {
      let s00 = f32x4.splat(0);
      let s01 = s00;
      let s10 = s00;
      let s11 = s00;
      let s20 = s00;
      let s21 = s00;
      let s30 = s00;
      let s31 = s00;
      let px = x + ((<usize>i) << 2);
      for (let py = dy + at; py < end; py += rowY) {
        const g0 = v128.load(py);
        const g1 = v128.load(py, 16);
        let v = v128.load32_splat(px);
        s00 = f32x4.add(s00, f32x4.mul(v, g0));
        s01 = f32x4.add(s01, f32x4.mul(v, g1));
        v = v128.load32_splat(px, 4);
        s10 = f32x4.add(s10, f32x4.mul(v, g0));
        s11 = f32x4.add(s11, f32x4.mul(v, g1));
        v = v128.load32_splat(px, 8);
        s20 = f32x4.add(s20, f32x4.mul(v, g0));
        s21 = f32x4.add(s21, f32x4.mul(v, g1));
        v = v128.load32_splat(px, 12);
        s30 = f32x4.add(s30, f32x4.mul(v, g0));
        s31 = f32x4.add(s31, f32x4.mul(v, g1));
        px += rowX;
      }
      put(to, s00, s01, width, more);
      to += row;
      put(to, s10, s11, width, more);
      to += row;
      put(to, s20, s21, width, more);
      to += row;
      put(to, s30, s31, width, more);
      to += row;
    }
    for (; i < inner; i++) {
      let s0 = f32x4.splat(0);
      let s1 = s0;
      let px = x + ((<usize>i) << 2);
      for (let py = dy + at; py < end; py += rowY) {
        const v = v128.load32_splat(px);
        s0 = f32x4.add(s0, f32x4.mul(v, v128.load(py)));
        s1 = f32x4.add(s1, f32x4.mul(v, v128.load(py, 16)));
        px += rowX;
      }
      put(to, s0, s1, width, more);
      to += row;
    }
    if (db !== 0) {
      let s0 = f32x4.splat(0);
      let s1 = s0;
      for (let py = dy + at; py < end; py += rowY) {
        s0 = f32x4.add(s0, v128.load(py));
        s1 = f32x4.add(s1, v128.load(py, 16));
      }
      put(db + at, s0, s1, width, more);
    }
  }
}
