/**
 * Torque readings far beyond the rest may be a broken sensor or a motor that truly kicked. The motion decides: the column,
 * as logged or repaired, under which the nominal simulation departs less from the recording is kept.
 */

import { makeSimulator, type RobotRecipe } from './problem.ts';
import type { Recording } from './recording.ts';
import { cutWindows } from './windows.ts';

export interface TorqueVerdict {
  readonly recording: Recording;
  /** Wild readings that were replaced, and that were kept because the motion shows them. */
  readonly replaced: number;
  readonly kept: number;
}

/** As long as the windows that are fitted: a gear passes a kick on with some delay. */
const WINDOW = { seconds: 0.5, stride: 0.1, begin: 0, end: 1, soundStarts: true };

export async function settleTorque(robot: RobotRecipe, recording: Recording): Promise<TorqueVerdict> {
  const { wildTorques } = recording;
  if (wildTorques === 0) return { recording, replaced: 0, kept: 0 };
  const repaired: Recording = { ...recording, torque: recording.torqueRepaired };
  const simulate = await makeSimulator(robot, [recording, repaired]);
  const windows = cutWindows(recording, WINDOW).filter(({ from, to }) => differs(recording, from, to));
  const error = (index: number) => {
    const request = {
      parameters: [],
      nominal: robot.nominal,
      windows: windows.map((window) => ({ ...window, recording: index })),
      start: 'smoothed',
    } as const;
    // The mean of the windows' errors, not of their squares: a few wild windows shall not decide.
    const errors = simulate(request, []).map((r) => Math.sqrt(r.reduce((sum, e) => sum + e * e, 0) / r.length));
    return errors.reduce((sum, e) => sum + e, 0);
  };
  const replace = windows.length > 0 && error(1) < error(0);
  return replace
    ? { recording: repaired, replaced: wildTorques, kept: 0 }
    : { recording, replaced: 0, kept: wildTorques };
}

/** Whether a torque that acts between two readings has been repaired. */
function differs({ torque, torqueRepaired, joints }: Recording, from: number, to: number): boolean {
  for (let k = from * joints.length; k < to * joints.length; k++) if (torque[k] !== torqueRepaired[k]) return true;
  return false;
}
