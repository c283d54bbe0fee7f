/** `landfall new FILE.urdf`: writes a module with a robot, a task and an experiment to go on from. */

import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, relative, resolve, sep } from 'node:path';
import { type Command, Option } from 'commander';
import { InputError } from '../core/errors.ts';
import { loadUrdf } from '../loop/robot-files.ts';
import { starterModule } from '../loop/starter.ts';

interface NewOptions {
  readonly name?: string;
  readonly out?: string;
  readonly base?: 'fixed' | 'floating';
  readonly force?: boolean;
}

export function register(program: Command): void {
  program
    .command('new')
    .summary('start with your own robot')
    .description(
      [
        'Write a module for your own robot: settings worked out from its URDF, a first task, an experiment.',
        '',
        'Example:',
        '  landfall new arm.urdf --name arm',
        '  landfall train arm --with arm.mjs',
      ].join('\n'),
    )
    .argument('<file>', 'a .urdf file; landfall check says whether it is sound')
    .option('--name <name>', "of robot, task and experiment (default: the file's name)")
    .addOption(
      new Option('--base <kind>', 'whether the root link is bolted to the world or moves').choices([
        'fixed',
        'floating',
      ]),
    )
    .option('--out <file>', 'where to write it (default: NAME.mjs)')
    .option('--force', 'write over a file that is there')
    .action(create);
}

async function create(file: string, options: NewOptions): Promise<void> {
  const model = await loadUrdf(file, options.base === undefined ? {} : { base: options.base });
  const name = options.name ?? basename(file, extname(file));
  if (!/^[a-z][a-z0-9-]*$/i.test(name)) {
    throw new InputError(`a name should be letters, digits and hyphens, found ${name}`, { repair: '--name my-robot' });
  }
  if (model.dof.length === 0) {
    throw new InputError(`${file}: no joint of the robot moves`, {
      repair: 'there is nothing to train: check its joints',
    });
  }
  const out = resolve(options.out ?? `${name}.mjs`);
  if (existsSync(out) && options.force !== true) {
    throw new InputError(`${relative('.', out)}: is already there`, { repair: 'give another --out, or --force' });
  }
  const path = relative(dirname(out), resolve(file)).split(sep).join('/');
  const urdf = path.startsWith('.') ? path : `./${path}`;
  const part = `${out}.part`;
  await writeFile(part, starterModule(model, { name, urdf }));
  await rename(part, out);
  const module = relative('.', out);
  process.stdout.write(`wrote ${module}: robot, task and experiment ${name}\n`);
  for (const note of model.notes) process.stdout.write(`note: ${note}\n`);
  process.stdout.write(
    `next: look through it, then\n  landfall tasks ${name} --with ${module}\n  landfall train ${name} --with ${module}\n`,
  );
}
