/**
 * Vertices of a COLLADA file as its scene places them: node transforms, library nodes, <unit>, and an <up_axis> other
 * than z turned to z; the result is in metres. Spec: COLLADA 1.4.1, Khronos Group. Knows no skin, morph or physics.
 */

import { DOMParser, type Element as XmlElement } from '@xmldom/xmldom';
import { InputError, messageOf } from '../../core/errors.ts';
import { cos, sin } from '../../core/math.ts';

/** Row-major 4 x 4. */
type Matrix = readonly number[];

const IDENTITY: Matrix = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
/** Nodes may instance nodes; deeper than this they go round in a circle. */
const DEEPEST = 64;

/** @returns [n * 3], m, z up @throws InputError */
export function readDae(bytes: Uint8Array): Float32Array {
  const root = parse(new TextDecoder().decode(bytes));
  const byId = new Map<string, XmlElement>();
  for (const tag of ['geometry', 'node', 'visual_scene', 'float_array', 'source', 'vertices', 'controller']) {
    for (const element of descendants(root, tag)) byId.set(element.getAttribute('id') ?? '', element);
  }
  const find = (url: string | null): XmlElement => {
    const element = byId.get((url ?? '').replace(/^#/, ''));
    if (element === undefined) throw new InputError(`there is no element with the id ${url}`);
    return element;
  };
  const out: number[] = [];
  const placeNode = (node: XmlElement, above: Matrix, depth: number) => {
    if (depth > DEEPEST) throw new InputError(`<node> ${node.getAttribute('id')} holds itself`);
    let here = above;
    for (const child of children(node)) {
      const step = transform(child);
      if (step !== null) here = multiply(here, step);
    }
    for (const child of children(node)) {
      const url = child.getAttribute('url');
      if (child.tagName === 'node') placeNode(child, here, depth + 1);
      else if (child.tagName === 'instance_node') placeNode(find(url), here, depth + 1);
      else if (child.tagName === 'instance_geometry') addGeometry(find(url), here);
      else if (child.tagName === 'instance_controller') {
        const skin = children(find(url))[0];
        addGeometry(find(skin?.getAttribute('source') ?? null), here);
      }
    }
  };
  const addGeometry = (geometry: XmlElement, pose: Matrix) => {
    for (const vertices of descendants(geometry, 'vertices')) {
      const input = children(vertices).find((child) => child.getAttribute('semantic') === 'POSITION');
      if (input !== undefined) addPositions(find(input.getAttribute('source')), find, pose, out);
    }
  };

  const base = assetTransform(root);
  const scene = descendants(root, 'instance_visual_scene')[0];
  if (scene === undefined) for (const geometry of descendants(root, 'geometry')) addGeometry(geometry, base);
  else
    for (const node of children(find(scene.getAttribute('url')))) if (node.tagName === 'node') placeNode(node, base, 0);
  return Float32Array.from(out);
}

function parse(text: string): XmlElement {
  let root: XmlElement | null = null;
  try {
    root = new DOMParser({ onError: () => undefined }).parseFromString(text, 'text/xml').documentElement;
  } catch (error) {
    throw new InputError(`not well-formed XML: ${messageOf(error).split('\n')[0]}`, { cause: error });
  }
  if (root?.tagName !== 'COLLADA')
    throw new InputError(`the root element should be <COLLADA>, found <${root?.tagName}>`);
  return root;
}

function addPositions(source: XmlElement, find: (url: string | null) => XmlElement, pose: Matrix, out: number[]): void {
  const accessor = descendants(source, 'accessor')[0];
  const array = accessor === undefined ? descendants(source, 'float_array')[0] : find(accessor.getAttribute('source'));
  const values = numbers(array);
  const stride = Number(accessor?.getAttribute('stride') ?? 3);
  const offset = Number(accessor?.getAttribute('offset') ?? 0);
  if (!(Number.isInteger(stride) && stride >= 3 && Number.isInteger(offset) && offset >= 0))
    throw new InputError(`<accessor> of ${source.getAttribute('id')} should have a stride of at least 3`);
  for (let i = offset; i + 2 < values.length; i += stride) {
    const [x, y, z] = [values[i]!, values[i + 1]!, values[i + 2]!];
    for (let row = 0; row < 12; row += 4)
      out.push(pose[row]! * x + pose[row + 1]! * y + pose[row + 2]! * z + pose[row + 3]!);
  }
}

/** Metres and z up from the file's unit and axis. A file that names no axis is taken as it is. */
function assetTransform(root: XmlElement): Matrix {
  const asset = children(root).find((child) => child.tagName === 'asset');
  const entry = (tag: string) => (asset === undefined ? undefined : children(asset).find((c) => c.tagName === tag));
  const meter = Number(entry('unit')?.getAttribute('meter') ?? 1);
  const s = meter > 0 && Number.isFinite(meter) ? meter : 1;
  switch (entry('up_axis')?.textContent?.trim()) {
    case 'Y_UP':
      // (x, y, z) -> (x, -z, y)
      return [s, 0, 0, 0, 0, 0, -s, 0, 0, s, 0, 0, 0, 0, 0, 1];
    case 'X_UP':
      // its right is -y and x is up: (x, y, z) -> (-y, -z, x)
      return [0, -s, 0, 0, 0, 0, -s, 0, s, 0, 0, 0, 0, 0, 0, 1];
    default:
      return [s, 0, 0, 0, 0, s, 0, 0, 0, 0, s, 0, 0, 0, 0, 1];
  }
}

/** The matrix of a transformation element; null for any other. */
function transform(element: XmlElement): Matrix | null {
  switch (element.tagName) {
    case 'matrix':
      return counted(element, 16);
    case 'translate': {
      const [x, y, z] = counted(element, 3);
      return [1, 0, 0, x!, 0, 1, 0, y!, 0, 0, 1, z!, 0, 0, 0, 1];
    }
    case 'scale': {
      const [x, y, z] = counted(element, 3);
      return [x!, 0, 0, 0, 0, y!, 0, 0, 0, 0, z!, 0, 0, 0, 0, 1];
    }
    case 'rotate': {
      const [ax, ay, az, degrees] = counted(element, 4);
      const length = Math.sqrt(ax! ** 2 + ay! ** 2 + az! ** 2);
      if (length === 0) return IDENTITY;
      return rotation(ax! / length, ay! / length, az! / length, (degrees! * Math.PI) / 180);
    }
    case 'lookat':
    case 'skew':
      throw new InputError(`<${element.tagName}> is not supported`);
    default:
      return null;
  }
}

/** R = cos 1 + sin [a]x + (1 - cos) a a^T */
function rotation(x: number, y: number, z: number, angle: number): Matrix {
  const [c, s] = [cos(angle), sin(angle)];
  const t = 1 - c;
  return [
    ...[c + t * x * x, t * x * y - s * z, t * x * z + s * y, 0],
    ...[t * x * y + s * z, c + t * y * y, t * y * z - s * x, 0],
    ...[t * x * z - s * y, t * y * z + s * x, c + t * z * z, 0],
    ...[0, 0, 0, 1],
  ];
}

function multiply(a: Matrix, b: Matrix): Matrix {
  return IDENTITY.map((_, i) => {
    const [row, column] = [i & 12, i & 3];
    return (
      a[row]! * b[column]! + a[row + 1]! * b[4 + column]! + a[row + 2]! * b[8 + column]! + a[row + 3]! * b[12 + column]!
    );
  });
}

function counted(element: XmlElement, count: number): number[] {
  const values = numbers(element);
  if (values.length !== count)
    throw new InputError(`<${element.tagName}> should hold ${count} numbers, found ${values.length}`);
  return values;
}

function numbers(element: XmlElement | undefined): number[] {
  const text = element?.textContent?.trim() ?? '';
  return text === '' ? [] : text.split(/\s+/).map(Number);
}

function children(parent: XmlElement): XmlElement[] {
  const found: XmlElement[] = [];
  for (let node = parent.firstChild; node !== null; node = node.nextSibling) {
    if (node.nodeType === 1) found.push(node as XmlElement);
  }
  return found;
}

function descendants(parent: XmlElement, tag: string): XmlElement[] {
  return Array.from(parent.getElementsByTagName(tag));
}
