/** CSV recordings: the real ones value by value, header variants, and errors that name file, line and column. */

import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { importCsv } from '../../../bridge/importers/csv.ts';
import { importEpisode } from '../../../bridge/importers/import-episode.ts';
import { episodeDuration } from '../../../core/episode.ts';
import { encodeEpisode, readEpisode } from '../../../core/episode-mcap.ts';
import { InputError } from '../../../core/errors.ts';
import { episodeBits } from '../../core/samples.ts';

const data = fileURLToPath(new URL('../../../../shared/data/', import.meta.url));
const hasData = existsSync(join(data, 'pendulum'));

const sample = 'time,position,velocity,torque\n0.0,-0.001,0.5,1e-1\n0.0105,0.002,-0.25,-2\n';

function errorOf(text: string): InputError {
  try {
    importCsv(text, 'log.csv', 'log');
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return error as InputError;
  }
  return expect.fail('expected an InputError');
}

describe('csv', () => {
  it('turns columns into steps; the torque is both measured and commanded', () => {
    const { meta, steps, outcome } = importCsv(sample, 'log.csv', 'log');
    expect(meta).toMatchObject({ id: 'log', source: 'import', robot: 'pendulum', joints: ['shoulder'], rateHz: 0 });
    expect(outcome?.completed).toBe(true);
    expect(steps).toHaveLength(2);
    expect(steps[1]).toMatchObject({
      sensorTime: 0.0105,
      receiptTime: 0.0105,
      commandTime: 0.0105,
      q: Float64Array.of(0.002),
      qd: Float64Array.of(-0.25),
      effort: Float64Array.of(-2),
      command: Float64Array.of(-2),
      obs: new Float32Array(0),
    });
  });

  it.each([
    ['byte-order mark, CRLF and blank last lines', `\ufeff${sample.replaceAll('\n', '\r\n')}\r\n\r\n`],
    ['quotes, capitals and spaces', sample.replace('time,position', ' "Time" , "Position"')],
    [
      'stated units',
      sample.replace('time,position,velocity,torque', 'time [s],position [rad],velocity (rad/s),torque [Nm]'),
    ],
    ['short names', sample.replace('time,position,velocity,torque', 'time,pos,vel,tau')],
    ['semicolons', sample.replaceAll(',', ';')],
    [
      'other columns and another order',
      'note,torque,time,velocity,position\nx,1e-1,0.0,0.5,-0.001\ny,-2,0.0105,-0.25,0.002\n',
    ],
  ])('reads %s', (_, text) => {
    const expected = importCsv(sample, 'log.csv', 'log');
    expect(episodeBits(importCsv(text, 'log.csv', 'log'))).toEqual(episodeBits(expected));
  });

  it.each([
    ['a word', sample.replace('-0.25', 'fast'), 'log.csv line 3, column velocity: expected a number, found "fast"'],
    ['an empty cell', sample.replace('-0.25', ''), 'log.csv line 3, column velocity: expected a number, found nothing'],
    ['nan', sample.replace('1e-1', 'nan'), 'log.csv line 2, column torque: expected a number, found "nan"'],
    ['a missing value', sample.replace(',-2', ''), 'log.csv line 3: expected 4 values, found 3'],
    [
      'time that goes back',
      sample.replace('0.0105', '-1'),
      'log.csv line 3, column time: expected a time after 0, found -1',
    ],
    ['repeated times', sample.replace('0.0105', '0'), 'log.csv line 3, column time: expected a time after 0, found 0'],
    [
      'degrees',
      sample.replace('position', 'position [deg]'),
      'log.csv line 1, column position: expected rad, found deg',
    ],
    ['no data', 'time,position,velocity,torque\n', 'log.csv: expected lines of numbers after the header, found none'],
    ['no header', '0,1,2,3\n', 'log.csv line 1: expected the columns of a known format, found 0, 1, 2, 3'],
    ['an empty file', '', 'log.csv line 1: expected the columns of a known format, found '],
  ])('refuses %s, saying where', (_, text, message) => {
    expect(errorOf(text).message).toBe(message);
  });

  it('suggests the column that was meant', () => {
    const error = errorOf(sample.replace('velocity', 'velocty'));
    expect(error.repair).toContain('nearest is the simple pendulum; it also needs velocity (is it velocty?)');
  });

  it('is chosen by the ending of the name; other endings are refused', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'landfall-import-'));
    try {
      await writeFile(join(directory, 'log.csv'), sample);
      await writeFile(join(directory, 'log.mcap'), await encodeEpisode(importCsv(sample, 'log.csv', 'log')));
      await writeFile(join(directory, 'log.bag'), sample);
      const fromCsv = await importEpisode(join(directory, 'log.csv'));
      const fromMcap = await importEpisode(join(directory, 'log.mcap'));
      expect(fromMcap).toEqual(fromCsv);
      expect(fromCsv.meta.id).toBe('log');
      await expect(importEpisode(join(directory, 'log.bag'))).rejects.toThrow(
        'expected a recording, .mcap, .part, .csv',
      );
      await expect(importEpisode(join(directory, 'none.csv'))).rejects.toThrow(
        `no such file: ${join(directory, 'none.csv')}`,
      );
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe.skipIf(!hasData)('csv of the real recordings (skipped: ../shared/data is absent)', () => {
  it.each([
    ['energy_shaping', 4000, 19.996301651000977],
    ['ilqr_swingup', 1000, 19.98024821281433],
    ['dircol_swingup', 1170, 3.507509469985962],
    ['pd_swingup', 1170, 3.897822380065918],
  ])('%s: every value as written, and through MCAP', async (name, count, seconds) => {
    const path = join(data, 'pendulum', `${name}.csv`);
    const episode = await importEpisode(path);
    expect(episode.steps).toHaveLength(count);
    expect(episodeDuration(episode)).toBe(seconds);
    const rows = readFileSync(path, 'utf8').trim().split('\n').slice(1);
    const written = rows.map((row) => row.split(',').map(Number));
    const imported = episode.steps.map(({ sensorTime, q, qd, effort }) => [sensorTime, q[0], qd[0], effort[0]]);
    expect(imported).toEqual(written);
    expect(episode.steps.map((step) => step.command)).toEqual(episode.steps.map((step) => step.effort));
    const read = await readEpisode(await encodeEpisode(episode), name);
    expect(read.meta).toEqual(episode.meta);
    expect(episodeBits(read)).toEqual(episodeBits(episode));
  });

  it('the double pendulum: two joints, command and measured torque apart', async () => {
    const episode = await importEpisode(join(data, 'double-pendulum', 'sysid_00.csv'));
    expect(episode.meta).toMatchObject({ robot: 'double_pendulum', joints: ['shoulder', 'elbow'] });
    const [first] = episode.steps;
    expect(first?.q).toEqual(Float64Array.of(0.0001907377737087046, 0.0005722133211261138));
    expect(first?.effort).toEqual(Float64Array.of(0.00879120879120876, 0.00879120879120876));
    expect(first?.command).toEqual(Float64Array.of(-0.007354565258720902, 0.792774901192318));
  });
});
