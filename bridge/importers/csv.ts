/**
 * CSV recordings as episodes. Which columns mean what is the table `csvFormats`: a robot's log format is added by
 * adding one entry. Knows no file: text comes in.
 */

import { type Episode, type EpisodeStep, JOINTS_ALONE } from '../../core/episode.ts';
import { InputError, nearest } from '../../core/errors.ts';

/** The names a column goes by, in lower case; the first is the one that messages use. */
type Names = readonly [string, ...string[]];

export interface CsvFormat {
  readonly name: string;
  readonly robot: string;
  readonly task: string;
  /** s, increasing */
  readonly time: Names;
  readonly joints: readonly {
    readonly name: string;
    /** rad */
    readonly position: Names;
    /** rad/s */
    readonly velocity: Names;
    /** Measured effort, N m. */
    readonly effort: Names;
    /** What drives a simulation of the recording, N m; may be the measured effort. */
    readonly command: Names;
  }[];
}

const pendulumTorque: Names = ['torque', 'tau', 'meas_tau', 'tau_meas'];

export const csvFormats: readonly CsvFormat[] = [
  {
    // DFKI torque_limited_simple_pendulum: the torque is measured; what was commanded is not in the file.
    name: 'simple pendulum',
    robot: 'pendulum',
    task: 'pendulum',
    time: ['time', 'meas_time', 't'],
    joints: [
      {
        name: 'shoulder',
        position: ['position', 'pos', 'meas_pos', 'pos_meas'],
        velocity: ['velocity', 'vel', 'meas_vel', 'vel_meas'],
        effort: pendulumTorque,
        command: pendulumTorque,
      },
    ],
  },
  {
    // DFKI double_pendulum, system-identification runs.
    name: 'double pendulum',
    robot: 'double_pendulum',
    task: 'double_pendulum',
    time: ['time'],
    joints: [
      {
        name: 'shoulder',
        position: ['pos_meas1'],
        velocity: ['vel_meas1'],
        effort: ['tau_meas1'],
        command: ['tau_con1'],
      },
      { name: 'elbow', position: ['pos_meas2'], velocity: ['vel_meas2'], effort: ['tau_meas2'], command: ['tau_con2'] },
    ],
  },
];

/** Units that a header may state, in brackets, for each kind of column. Any other is refused rather than converted. */
const UNITS = {
  time: ['s', 'sec'],
  position: ['rad'],
  velocity: ['rad/s'],
  effort: ['nm', 'n m', 'n*m', 'n.m'],
  command: ['nm', 'n m', 'n*m', 'n.m'],
} as const;

type Quantity = keyof typeof UNITS;

interface Column {
  readonly names: Names;
  readonly quantity: Quantity;
}

/** The columns of a format: the time, then position, velocity, effort and command of each joint. */
function columnsOf(format: CsvFormat): Column[] {
  const quantities = ['position', 'velocity', 'effort', 'command'] as const;
  return [
    { names: format.time, quantity: 'time' },
    ...format.joints.flatMap((joint) => quantities.map((quantity) => ({ names: joint[quantity], quantity }))),
  ];
}

/**
 * @param where names the file, for errors @param id the episode's id
 * @throws InputError naming file, line and column
 */
export function importCsv(text: string, where: string, id: string): Episode {
  // Some programs begin a file with a byte-order mark.
  const lines = text.replace(/^\u{feff}/u, '').split(/\r\n|\n|\r/);
  const header = readHeader(lines[0] ?? '');
  const { format, at } = matchFormat(header, where);
  const columns = columnsOf(format);
  const steps: EpisodeStep[] = [];
  let previous = -Infinity;
  for (const [index, line] of lines.entries()) {
    if (index === 0 || line.trim() === '') continue;
    const cells = splitCells(line, header.separator);
    const position = `${where} line ${index + 1}`;
    if (cells.length !== header.names.length) {
      throw new InputError(`${position}: expected ${header.names.length} values, found ${cells.length}`, {
        repair: 'complete the line or remove it',
      });
    }
    const values = columns.map(({ names }, i) => readNumber(cells[at[i]!]!, `${position}, column ${names[0]}`));
    const time = values[0]!;
    if (time <= previous) {
      throw new InputError(`${position}, column ${format.time[0]}: expected a time after ${previous}, found ${time}`, {
        repair: 'sort the lines by time and remove repeated ones',
      });
    }
    previous = time;
    steps.push(stepOf(values, format.joints.length));
  }
  if (steps.length === 0) {
    throw new InputError(`${where}: expected lines of numbers after the header, found none`, {
      repair: 'give a recording with data',
    });
  }
  return {
    meta: {
      id,
      source: 'import',
      robot: format.robot,
      task: format.task,
      joints: format.joints.map((joint) => joint.name),
      rateHz: 0,
      startedAt: steps[0]!.receiptTime,
      contract: null,
      shadow: false,
      parameters: {},
    },
    steps,
    outcome: { reason: 'completed', completed: true },
  };
}

interface Header {
  readonly separator: string;
  readonly names: readonly string[];
  /** The unit stated in brackets, or null. */
  readonly units: readonly (string | null)[];
}

function readHeader(line: string): Header {
  const separator = [',', ';', '\t'].find((candidate) => line.includes(candidate)) ?? ',';
  const cells = splitCells(line, separator).map((cell) => /^(.*?)\s*(?:[[(](.*)[\])])?$/.exec(cell.toLowerCase()));
  return {
    separator,
    names: cells.map((match) => match?.[1] ?? ''),
    units: cells.map((match) => match?.[2]?.trim() ?? null),
  };
}

function splitCells(line: string, separator: string): string[] {
  return line.split(separator).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
}

/** @returns the format whose columns are all there, and where each of them is */
function matchFormat(header: Header, where: string): { format: CsvFormat; at: number[] } {
  let closest: { format: CsvFormat; missing: Names[] } | undefined;
  for (const format of csvFormats) {
    const columns = columnsOf(format);
    const at = columns.map(({ names }) => header.names.findIndex((name) => names.includes(name)));
    const missing = columns.filter((_, i) => at[i] === -1).map(({ names }) => names);
    if (missing.length === 0) {
      for (const [i, { quantity }] of columns.entries()) checkUnit(header, at[i]!, quantity, where);
      return { format, at };
    }
    if (closest === undefined || missing.length < closest.missing.length) closest = { format, missing };
  }
  const missing = [...new Set(closest?.missing.map((names) => names[0]))];
  const hints = missing.map((name) => {
    const near = nearest(name, header.names);
    return near === undefined ? name : `${name} (is it ${near}?)`;
  });
  throw new InputError(`${where} line 1: expected the columns of a known format, found ${header.names.join(', ')}`, {
    repair: `nearest is the ${closest?.format.name}; it also needs ${hints.join(', ')}; formats are in bridge/importers/csv.ts`,
  });
}

function checkUnit(header: Header, index: number, quantity: Quantity, where: string): void {
  const unit = header.units[index];
  const known: readonly string[] = UNITS[quantity];
  if (unit === null || unit === undefined || known.includes(unit)) return;
  throw new InputError(`${where} line 1, column ${header.names[index]}: expected ${known[0]}, found ${unit}`, {
    repair: `convert the column to ${known[0]}`,
  });
}

function readNumber(cell: string, position: string): number {
  const value = Number(cell);
  if (cell === '' || !Number.isFinite(value)) {
    throw new InputError(`${position}: expected a number, found ${cell === '' ? 'nothing' : `"${cell}"`}`, {
      repair: 'correct the value or remove the line',
    });
  }
  return value;
}

/** @param values as `columnsOf` orders them */
function stepOf(values: readonly number[], nJoints: number): EpisodeStep {
  const column = (offset: number) => Float64Array.from({ length: nJoints }, (_, j) => values[1 + 4 * j + offset]!);
  const time = values[0]!;
  return {
    sensorTime: time,
    receiptTime: time,
    commandTime: time,
    q: column(0),
    qd: column(1),
    effort: column(2),
    obs: new Float32Array(0),
    action: new Float32Array(0),
    ...JOINTS_ALONE,
    command: column(3),
    reward: 0,
    rewardTerms: {},
    terminated: false,
    truncated: false,
  };
}
