/** Trains the swing-up of the pendubot, as the acrobot's: a budget that no run has yet shown to be enough. */

import { acrobot } from './acrobot.ts';
import { defineConfig } from './schema.ts';

export const pendubot = defineConfig({ ...acrobot, task: 'pendubot' });
