/**
 * Event files: the CRC's published check values, bytes pinned to what TensorBoard's own writer makes, and a run's file read
 * back by a decoder written from the format alone.
 */

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { IterationReport } from '../../policy/iteration-report.ts';
import { RunLog, readMetrics } from '../../policy/run-log.ts';
import { crc32c, encodeRestart, encodeScalars, encodeVersion, maskedCrc32c } from '../../policy/tensorboard.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('crc32c', () => {
  it('is what RFC 3720 B.4 prints', () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  });

  it('is masked as in TFRecord', () => {
    // ((0xe3069283 >> 15) | (0xe3069283 << 17)) + 0xa282ead8, by hand: 0x2507c60d + 0xa282ead8
    expect(maskedCrc32c(new TextEncoder().encode('123456789'))).toBe(0xc78ab0e5);
  });
});

describe('records', () => {
  // tensorboard 2.21.0: RecordWriter(file).write(event_pb2.Event(...).SerializeToString())
  it("are the bytes of TensorBoard's own writer", () => {
    expect(hex(encodeVersion(1.5))).toBe(
      '1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c',
    );
    expect(hex(encodeScalars(1.5, 300, { 'train/return': -0.25, a: 3 }))).toBe(
      '2d000000000000003c418afb09000000000000f83f10ac022a1f0a130a0c747261696e2f72657475726e15000080be0a080a01611500004040cb4984a4',
    );
    expect(hex(encodeRestart(1.5, 70000))).toBe('11000000000000009d6db52e09000000000000f83f10f0a2043a020801a9a40983');
  });
});

interface Fields {
  readonly [field: number]: readonly (number | Uint8Array)[];
}

/** One message of protocol buffers, by field number. */
function message(data: Uint8Array): Fields {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const fields: Record<number, (number | Uint8Array)[]> = {};
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = data[at++]!;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < data.length) {
    const key = varint();
    let value: number | Uint8Array;
    switch (key & 7) {
      case 0:
        value = varint();
        break;
      case 1:
        value = view.getFloat64(at, true);
        at += 8;
        break;
      case 2: {
        const length = varint();
        value = data.subarray(at, at + length);
        at += length;
        break;
      }
      default:
        value = view.getFloat32(at, true);
        at += 4;
    }
    fields[key >> 3] = [...(fields[key >> 3] ?? []), value];
  }
  return fields;
}

function eventsOf(bytes: Uint8Array): Fields[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const events: Fields[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(view.getBigUint64(at, true));
    expect(view.getUint32(at + 8, true)).toBe(maskedCrc32c(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(view.getUint32(at + 12 + length, true)).toBe(maskedCrc32c(data));
    events.push(message(data));
    at += 16 + length;
  }
  return events;
}

function scalarsIn(event: Fields): Record<string, number> {
  const values = (message(event[5]![0] as Uint8Array)[1] ?? []) as Uint8Array[];
  return Object.fromEntries(
    values.map((value) => {
      const fields = message(value);
      return [new TextDecoder().decode(fields[1]![0] as Uint8Array), fields[2]![0] as number];
    }),
  );
}

const report: IterationReport = {
  policyLoss: -0.5,
  valueLoss: 0.25,
  entropy: 1,
  approxKl: 0.125,
  clipFraction: 0,
  gradNorm: 2,
  learningRate: 0.5,
  iteration: 1,
  envSteps: 640,
  stepsPerSecond: 1000,
  collectSeconds: 0.5,
  learnSeconds: 0.25,
  meanReturn: null,
  meanLength: null,
  successRate: null,
  rewardTerms: [3, -1],
  std: 0.75,
  adrEntropy: -Infinity,
  evaluation: {
    episodes: 4,
    successRate: 0.5,
    meanReturn: 8,
    ci95: [7, 9],
    successCi95: [0.25, 0.75],
  },
};

describe('the log of a run', () => {
  let run = '';
  beforeEach(async () => {
    run = await mkdtemp(join(tmpdir(), 'landfall-log-'));
  });
  afterEach(() => rm(run, { recursive: true, force: true }));

  const eventFiles = async () => (await readdir(run)).filter((name) => name.includes('tfevents')).sort();

  it('says the same in metrics.jsonl and for TensorBoard, leaving out what is no number', async () => {
    const log = await RunLog.open(run, ['upright', 'torque'], 1000, null);
    await log.write(report, 1001);
    const [file] = await eventFiles();
    expect(file).toBe('events.out.tfevents.1000000.landfall');
    const [version, first, ...none] = eventsOf(await readFile(join(run, file!)));
    expect(new TextDecoder().decode(version![3]![0] as Uint8Array)).toBe('brain.Event:2');
    expect(none).toEqual([]);
    expect(first![1]).toEqual([1001]);
    expect(first![2]).toEqual([640]);
    expect(scalarsIn(first!)).toEqual({
      'loss/policy': -0.5,
      'loss/value': 0.25,
      'policy/entropy': 1,
      'policy/kl': 0.125,
      'policy/clipFraction': 0,
      'policy/gradNorm': 2,
      'policy/learningRate': 0.5,
      'policy/std': 0.75,
      'perf/stepsPerSecond': 1000,
      'perf/collectSeconds': 0.5,
      'perf/learnSeconds': 0.25,
      'train/iteration': 1,
      'reward/upright': 3,
      'reward/torque': -1,
      'eval/return': 8,
      'eval/returnLow': 7,
      'eval/returnHigh': 9,
      'eval/success': 0.5,
      'eval/successLow': 0.25,
      'eval/successHigh': 0.75,
    });
    expect(await readMetrics(run)).toMatchObject([
      { iteration: 1, envSteps: 640, reward: { upright: 3, torque: -1 }, evaluation: report.evaluation },
    ]);
  });

  it('forgets what lies beyond the checkpoint that it goes on from, half a line too', async () => {
    const log = await RunLog.open(run, ['upright', 'torque'], 1000, null);
    for (let i = 1; i <= 5; i++) await log.write({ ...report, iteration: i, envSteps: 640 * i }, 1000 + i);
    await writeFile(join(run, 'metrics.jsonl'), `${await readFile(join(run, 'metrics.jsonl'), 'utf8')}{"iter`);
    const resumed = await RunLog.open(run, ['upright', 'torque'], 2000, { iteration: 3, envSteps: 1920 });
    await resumed.write({ ...report, iteration: 4, envSteps: 2560 }, 2001);
    expect((await readMetrics(run)).map(({ iteration }) => iteration)).toEqual([1, 2, 3, 4]);
    const [, second] = await eventFiles();
    const [, restart, next] = eventsOf(await readFile(join(run, second!)));
    // SessionLog.START at the first step to forget.
    expect(restart![2]).toEqual([1921]);
    expect(message(restart![7]![0] as Uint8Array)[1]).toEqual([1]);
    expect(next![2]).toEqual([2560]);
  });
});
