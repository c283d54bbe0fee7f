/**
 * The leaderboards' entries of design C.1 (second version of the rules), as published at
 * dfki-ric-underactuated-lab.github.io/real_ai_gym_leaderboard; the public repository is double_pendulum of the same owner.
 * null where no figure was found. The simple pendulum has rules and no table.
 */

export interface Published {
  readonly name: string;
  readonly performance: number;
  readonly robustness: number;
  /** Learned, as opposed to optimised trajectories with linear regulators. */
  readonly learned: boolean;
}

export const published: Readonly<Record<'acrobot' | 'pendubot' | 'pendulum', readonly Published[]>> = {
  acrobot: [
    { name: 'History SAC', performance: 0.655, robustness: 0.751, learned: true },
    { name: 'AR-EAPO', performance: 0.633, robustness: 0.727, learned: true },
    { name: 'evolutionary SAC', performance: 0.524, robustness: 0.687, learned: true },
    { name: 'time-varying LQR', performance: 0.504, robustness: 0.607, learned: false },
    { name: 'iLQR with Riccati gains', performance: 0.396, robustness: 0.138, learned: false },
    { name: 'iLQR MPC', performance: 0.345, robustness: 0.343, learned: false },
    { name: 'MC-PILCO', performance: 0.316, robustness: 0.241, learned: true },
  ],
  pendubot: [
    { name: 'History SAC', performance: 0.682, robustness: 0.77, learned: true },
    { name: 'AR-EAPO', performance: 0.659, robustness: 0.913, learned: true },
    { name: 'evolutionary SAC', performance: 0.596, robustness: 0.786, learned: true },
    { name: 'iLQR with Riccati gains', performance: 0.536, robustness: 0.255, learned: false },
    { name: 'time-varying LQR', performance: 0.526, robustness: 0.767, learned: false },
    { name: 'MC-PILCO', performance: 0.48, robustness: 0.614, learned: true },
    { name: 'iLQR MPC', performance: 0.353, robustness: 0.674, learned: false },
  ],
  pendulum: [],
};
