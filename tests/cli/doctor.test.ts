/** `landfall doctor` names what is missing and the repair, whatever the optional packages do when they are tried. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly repair?: string;
}

/** @param packages what a package is here: the source of a module, or null for one that is not installed */
function doctor(packages: Record<string, string | null>) {
  const hooks = `
    const packages = ${JSON.stringify(packages)};
    export async function resolve(specifier, context, next) {
      if (!(specifier in packages)) return next(specifier, context);
      const source = packages[specifier];
      if (source !== null) return { url: 'data:text/javascript,' + encodeURIComponent(source), shortCircuit: true };
      const error = new Error("Cannot find package '" + specifier + "'");
      throw Object.assign(error, { code: 'ERR_MODULE_NOT_FOUND' });
    }`;
  const asModule = (source: string) => `data:text/javascript,${encodeURIComponent(source)}`;
  const register = `import { register } from 'node:module'; register(${JSON.stringify(asModule(hooks))});`;
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'doctor', '--json'], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: `--import ${asModule(register)}` },
  });
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  const backend = (name: string) => findings.find((finding) => finding.name === `backend ${name}`)!;
  return { status, stderr, findings, backend };
}

const ABSENT = {
  '@tensorflow/tfjs-node-gpu': null,
  '@tensorflow/tfjs-node': null,
  '@tensorflow/tfjs-backend-webgpu': null,
  webgpu: null,
};

it('names every optional package that is absent, with the repair, and still trains', () => {
  const { status, stderr, findings, backend } = doctor(ABSENT);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(findings.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['node', 'cores', 'memory', 'rapier3d-simd-compat', 'mujoco']),
  );
  expect(backend('wasm')).toMatchObject({ ok: true, detail: expect.stringMatching(/^tfjs wasm/) });
  expect(backend('cpu').ok).toBe(true);
  expect(backend('tensorflow')).toMatchObject({
    ok: false,
    detail: 'package @tensorflow/tfjs-node-gpu is not installed; package @tensorflow/tfjs-node is not installed',
    repair: expect.stringMatching(/^npm install @tensorflow\/tfjs-node@4\.22\.0, .*docs\/gpu\.md/),
  });
  // On a machine without a Vulkan loader or driver, that is what it says first.
  expect(backend('webgpu')).toMatchObject({
    ok: false,
    detail: expect.stringMatching(/package webgpu is not installed|libvulkan|Vulkan driver/),
    repair: expect.stringMatching(/npm install webgpu|install the/),
  });
});

it('tells a package that cannot be loaded from an absent one, and keeps what it writes to itself', () => {
  const { status, stderr, backend } = doctor({
    ...ABSENT,
    '@tensorflow/tfjs-node-gpu': `console.log('hello'); console.error('hello'); throw new Error('tfjs_binding.node can not be found');`,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(backend('tensorflow').detail).toMatch(
    /^package @tensorflow\/tfjs-node-gpu cannot be loaded: tfjs_binding.node can not be found;/,
  );
});

it('survives a package that crashes', () => {
  const { status, backend } = doctor({ ...ABSENT, '@tensorflow/tfjs-node-gpu': 'process.abort();' });
  expect(status).toBe(0);
  expect(backend('tensorflow')).toMatchObject({
    ok: false,
    detail: 'trying it ended the process (SIGABRT)',
    repair: expect.any(String),
  });
  expect(backend('wasm').ok).toBe(true);
});
