#!/usr/bin/env node
/** The `landfall` command: one file of this folder a subcommand. Parses, calls, prints; turns errors into exit codes. */

import { Command, CommanderError } from 'commander';
import { LandfallError } from '../core/errors.ts';
import { commands } from './commands.ts';

const program = new Command('landfall')
  .description('Train robot policies in simulation, watch them in the browser, land them on ROS robots, keep learning.')
  .option('--debug', 'print stack traces')
  .showHelpAfterError('(landfall COMMAND --help lists the options)')
  .exitOverride();

// A command's own imports can take a second: load the one that is asked for, and all of them only to list them.
const [asked] = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const wanted = asked !== undefined && Object.hasOwn(commands, asked) ? [commands[asked]!] : Object.values(commands);
for (const load of wanted) (await load()).register(program);
for (const command of program.commands) command.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error, program.opts<{ debug?: boolean }>().debug === true);
}

/** Print what went wrong in one line and its repair in another. @returns the exit status */
function report(error: unknown, debug: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof LandfallError) {
    process.stderr.write(`error: ${error.message}\n`);
    if (error.repair !== undefined) process.stderr.write(`  ${error.repair}\n`);
    if (debug) process.stderr.write(`${error.stack}\n`);
    return error.exitCode;
  }
  const stack = error instanceof Error ? error.stack : String(error);
  process.stderr.write(`error: unexpected: ${debug ? stack : String(error)}\n`);
  process.stderr.write('  this is a defect in Landfall: run again with --debug and report what it prints\n');
  return 1;
}
