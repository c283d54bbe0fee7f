/**
 * An ONNX model put together node by node and written as bytes, without a dependency. Operator set 13 and IR version 7:
 * what every runtime since ONNX Runtime 1.6 and TensorRT 8 reads. Knows no policy.
 * Spec: github.com/onnx/onnx, onnx/onnx.proto and docs/Operators.md.
 */

import { bytesField, concat, type Encoded, floatField, intField } from './protobuf.ts';

export const OPSET = 13;
export const IR_VERSION = 7;

const FLOAT = 1;
const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_STRING = 3;

/** The first dimension of inputs and outputs: any number of observations at once. */
const BATCH = 'batch';

/** A whole number is written as INT, `{ float }` as FLOAT. */
export type Attribute = number | string | { readonly float: number };

/** Values are float32 and known by name. */
export class OnnxGraph {
  readonly #nodes: Encoded[] = [];
  readonly #initializers: Encoded[] = [];
  /** Name and numbers of a row, [batch, size]. */
  readonly inputs: (readonly [name: string, size: number])[] = [];
  readonly outputs: (readonly [name: string, size: number])[] = [];
  #unnamed = 0;

  /** @param size numbers of one row: [batch, size] @returns `name` */
  input(name: string, size: number): string {
    this.inputs.push([name, size]);
    return name;
  }

  /** Name a value an output. @param size numbers of one row: [batch, size] */
  output(name: string, value: string, size: number): void {
    this.node('Identity', [value], {}, name);
    this.outputs.push([name, size]);
  }

  /** A constant. @param shape empty for a scalar @returns its name */
  constant(name: string, shape: readonly number[], data: ArrayLike<number>): string {
    const raw = new Uint8Array(4 * data.length);
    const view = new DataView(raw.buffer);
    for (let i = 0; i < data.length; i++) view.setFloat32(4 * i, data[i]!, true);
    this.#initializers.push(
      concat([...shape.map((size) => intField(1, size)), intField(2, FLOAT), bytesField(8, name), bytesField(9, raw)]),
    );
    return name;
  }

  /** @returns the name of its output */
  node(
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    output = `${operator.toLowerCase()}_${this.#unnamed++}`,
  ): string {
    this.#nodes.push(
      concat([
        ...inputs.map((name) => bytesField(1, name)),
        bytesField(2, output),
        bytesField(3, output),
        bytesField(4, operator),
        ...Object.entries(attributes).map(([name, value]) => bytesField(5, attribute(name, value))),
      ]),
    );
    return output;
  }

  /** The model file. */
  encode(name: string, producer: Producer, metadata: Readonly<Record<string, string>>): Encoded {
    const graph = concat([
      ...this.#nodes.map((node) => bytesField(1, node)),
      bytesField(2, name),
      ...this.#initializers.map((tensor) => bytesField(5, tensor)),
      ...this.inputs.map(([value, size]) => bytesField(11, valueInfo(value, size))),
      ...this.outputs.map(([value, size]) => bytesField(12, valueInfo(value, size))),
    ]);
    return concat([
      intField(1, IR_VERSION),
      bytesField(2, producer.name),
      bytesField(3, producer.version),
      bytesField(7, graph),
      bytesField(8, concat([bytesField(1, ''), intField(2, OPSET)])),
      ...Object.entries(metadata).map(([key, value]) =>
        bytesField(14, concat([bytesField(1, key), bytesField(2, value)])),
      ),
    ]);
  }
}

export interface Producer {
  readonly name: string;
  readonly version: string;
}

function attribute(name: string, value: Attribute): Encoded {
  const head = bytesField(1, name);
  if (typeof value === 'number') return concat([head, intField(3, value), intField(20, ATTRIBUTE_INT)]);
  if (typeof value === 'string') return concat([head, bytesField(4, value), intField(20, ATTRIBUTE_STRING)]);
  return concat([head, floatField(2, value.float), intField(20, ATTRIBUTE_FLOAT)]);
}

/** ValueInfoProto of a float tensor [batch, size]. */
function valueInfo(name: string, size: number): Encoded {
  const shape = concat([bytesField(1, bytesField(2, BATCH)), bytesField(1, intField(1, size))]);
  const type = bytesField(1, concat([intField(1, FLOAT), bytesField(2, shape)]));
  return concat([bytesField(1, name), bytesField(2, type)]);
}
