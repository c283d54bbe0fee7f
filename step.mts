import { openBackend } from './policy/backend.ts';
import { Ppo } from './policy/ppo.ts';
import { keyOf, RandomStream } from './core/rng.ts';
const t0 = performance.now(); const t = () => ((performance.now() - t0) / 1000).toFixed(2);
const b = await openBackend(process.argv[2] as 'webgpu');
const n = Number(process.argv[3]);
const r = new RandomStream(keyOf(1)); const d = (k: number) => Float32Array.from({ length: k }, () => r.normal());
const layers = process.argv[4] ? process.argv[4].split('-').map(Number) : [48, 256, 128, 64, 12];
const ppo = new Ppo(b, { actor: { kind: 'mlp', layers, activation: 'elu' }, criticHidden: layers.slice(1, -1), initialLogStd: -0.5, finalLogStd: -2 },
 { learningRate: 3e-4, minLearningRate: 1e-5, maxLearningRate: 1e-2, gamma: .99, lam: .95, clip: .2, valueClip: .2, valueCoef: .5, entropyCoef: .01, maxGradNorm: 1, targetKl: null, epochs: 1, minibatches: 1 }, keyOf(1));
const batch = { size: n, obs: d(n * layers[0]!), action: d(n * layers.at(-1)!), logProb: d(n).map((x) => x - 12), advantage: d(n), target: d(n), value: d(n) };
console.log(b.description, t());
const ms: number[] = [];
for (let i = 0; i < Number(process.argv[5] ?? 4); i++) { const s = performance.now(); const st = await ppo.update(batch, i); ms.push(performance.now() - s); if (i < 3) console.log(i, st.valueLoss, t()); }
ms.sort((a, b) => a - b); console.log('median ms', ms[ms.length >> 1]!.toFixed(1), 'min', ms[0]!.toFixed(1));
b.close();
