/** Trains the swing-up of the pendubot, as the acrobot's. */

import { acrobot } from './acrobot.ts';
import { defineConfig } from './schema.ts';

export const pendubot = defineConfig({ ...acrobot, task: 'pendubot' });
