"""PPO minibatch steps in PyTorch (eager), the peer of `landfall bench learn`: the same networks, losses and optimiser.

Reads one JSON request a line from stdin, {"hidden": [64, 64], "batch": 512, "seconds": 0.5}, and answers each with one line,
{"samples": N, "seconds": S, "processor": P}. First argument: the number of threads.
"""

import json
import math
import sys
import time

import torch

OBS, ACTIONS, MINIBATCHES = 48, 12, 4
CLIP, VALUE_CLIP, VALUE_COEF, ENTROPY_COEF, MAX_NORM, RATE = 0.2, 0.2, 0.5, 0.005, 1.0, 3e-4


def mlp(sizes):
    layers = []
    for inputs, outputs in zip(sizes[:-1], sizes[1:]):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ELU()]
    return torch.nn.Sequential(*layers[:-1])


class Learner:
    def __init__(self, hidden, batch):
        torch.manual_seed(1)
        self.actor = mlp([OBS, *hidden, ACTIONS])
        self.critic = mlp([OBS, *hidden, 1])
        self.log_std = torch.nn.Parameter(torch.zeros(ACTIONS))
        self.parameters = [*self.actor.parameters(), self.log_std, *self.critic.parameters()]
        # The fastest of PyTorch's three implementations on a CPU.
        self.adam = torch.optim.Adam(self.parameters, lr=RATE, fused=True)
        self.batch = batch
        self.size = size = MINIBATCHES * batch
        self.obs = torch.randn(size, OBS)
        self.action = torch.randn(size, ACTIONS)
        self.advantage = torch.randn(size)
        self.target = torch.randn(size)
        self.value = torch.randn(size)
        self.log_prob = -17.0 + 0.1 * torch.randn(size)

    def epoch(self):
        order = torch.randperm(self.size)
        for k in range(MINIBATCHES):
            self.step(order[k * self.batch : (k + 1) * self.batch])

    def step(self, rows):
        obs, action, advantage = self.obs[rows], self.action[rows], self.advantage[rows]
        target, old_value, old_log_prob = self.target[rows], self.value[rows], self.log_prob[rows]
        z = (action - self.actor(obs)) * torch.exp(-self.log_std)
        log_prob = (-0.5 * z * z - self.log_std).sum(-1) - ACTIONS * 0.5 * math.log(2 * math.pi)
        log_ratio = log_prob - old_log_prob
        ratio = torch.exp(log_ratio.clamp(-20, 20))
        policy_loss = -torch.minimum(ratio * advantage, ratio.clamp(1 - CLIP, 1 + CLIP) * advantage).mean()
        value = self.critic(obs).squeeze(-1)
        clipped = old_value + (value - old_value).clamp(-VALUE_CLIP, VALUE_CLIP)
        value_loss = torch.maximum((value - target) ** 2, (clipped - target) ** 2).mean()
        entropy = (self.log_std + 0.5 * math.log(2 * math.pi * math.e)).sum()
        loss = policy_loss + VALUE_COEF * value_loss - ENTROPY_COEF * entropy
        self.adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, MAX_NORM)
        self.adam.step()
        # Divergence and clip fraction, which steer the learning rate.
        with torch.no_grad():
            self.figures = (((ratio - 1) - log_ratio).mean(), ((ratio - 1).abs() > CLIP).float().mean())


def main():
    torch.set_num_threads(int(sys.argv[1]))
    print(json.dumps({"version": torch.__version__}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        learner = Learner(request["hidden"], request["batch"])
        learner.epoch()
        epochs = 0
        started, processor = time.perf_counter(), time.process_time()
        while epochs == 0 or time.perf_counter() - started < request["seconds"]:
            learner.epoch()
            epochs += 1
        answer = {
            "samples": epochs * learner.size,
            "seconds": time.perf_counter() - started,
            "processor": time.process_time() - processor,
        }
        print(json.dumps(answer), flush=True)


main()
