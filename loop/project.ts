/**
 * Robots, tasks and experiments by name: those of the package, and those of a module that a user wrote, which exports any of
 * `robots`, `tasks` and `experiments` as tables. Worker threads import the module themselves (sim/recipe.ts).
 */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { experiments } from '../configs/index.ts';
import { type RobotConfig, robots } from '../configs/robots.ts';
import { type ExperimentConfig, parseConfig } from '../configs/schema.ts';
import { InputError, messageOf, nearest } from '../core/errors.ts';
import type { TaskDefinition } from '../sim/task.ts';
import { tasks } from '../sim/tasks/index.ts';

export interface Project {
  readonly robots: Readonly<Record<string, RobotConfig>>;
  readonly tasks: Readonly<Record<string, TaskDefinition>>;
  readonly experiments: Readonly<Record<string, ExperimentConfig>>;
}

/** What the package holds. */
export const builtIn: Project = { robots, tasks, experiments };

/**
 * The package's tables with those of a user's module in front.
 * @param path of a JavaScript module, or none
 * @throws InputError when it is not there, does not run, or exports something else
 */
export async function loadProject(path: string | undefined): Promise<Project> {
  if (path === undefined) return builtIn;
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new InputError(`${path}: no such file`, {
      repair: 'give a module that exports robots, tasks or experiments; landfall new ROBOT.urdf writes one',
    });
  }
  const module = await importModule(file, path);
  const table = (name: string): Record<string, object> => {
    const value = module[name] ?? {};
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, object>;
    throw new InputError(`${path}: ${name} should be a table by name, found ${typeof value}`, {
      repair: `export const ${name} = { NAME: ... }`,
    });
  };
  const own = { robots: table('robots'), tasks: table('tasks'), experiments: table('experiments') };
  if (Object.values(own).every((entries) => Object.keys(entries).length === 0)) {
    throw new InputError(`${path}: exports no robots, tasks or experiments`, {
      repair: 'export const experiments = { NAME: defineConfig({ ... }) }',
    });
  }
  const configs = Object.entries(own.experiments).map(([name, config]) => [
    name,
    { ...parseConfig(config, `experiment ${name} in ${path}`), module: file },
  ]);
  return {
    robots: { ...robots, ...(own.robots as Project['robots']) },
    tasks: { ...tasks, ...(own.tasks as Project['tasks']) },
    experiments: { ...experiments, ...Object.fromEntries(configs) },
  };
}

async function importModule(file: string, path: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${path}: cannot be imported: ${messageOf(error).split('\n')[0]}`, {
      repair: 'it is run as an ES module: check its imports and its syntax',
      cause: error,
    });
  }
}

/**
 * An entry of one of a project's tables.
 * @param kind what it is, for the error
 * @throws InputError naming a near miss, or those there are
 */
export function named<T>(table: Readonly<Record<string, T>>, name: string, kind: string): T {
  const found = Object.hasOwn(table, name) ? table[name] : undefined;
  if (found !== undefined) return found;
  const near = nearest(name, Object.keys(table));
  throw new InputError(`there is no ${kind} named ${name}`, {
    repair: near === undefined ? `${kind}s: ${Object.keys(table).join(', ')}` : `did you mean ${near}?`,
  });
}
