"""What makes a conditional model obey its label: what codes give with other labels is judged while it learns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from unalter.nn import Architecture, Output, seeded
from unalter.nn.encoder import Encoder
from unalter.nn.over_processes import over_processes
from unalter.support.processes import ALONE, Processes
from unalter.training.optimizers import set_rate

_PART = 4
"""One picture is judged with another label for so many of a batch."""
_LEARNING_RATE = 2e-3
_NOISE = 0.1
"""Most of the noise on what the classifier learns from: it should not see what no person sees."""


class Obedience:
    """A classifier that learns beside a conditional model from what that is trained on, and judges what it decodes.

    It is no part of the model, but of a checkpoint.
    """

    def __init__(self, config: Architecture, seed: int, device: torch.device, processes: Processes = ALONE) -> None:
        with seeded(seed):
            classifier = Encoder(replace(config, classes=0, obedient=False, pose=False), config.classes)
        self._classifier = classifier.to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        over_processes(classifier, processes)
        self._processes = processes
        self._optimizer = torch.optim.AdamW(classifier.parameters(), _LEARNING_RATE, betas=(0.9, 0.99), fused=True)

    @staticmethod
    def told(y: Tensor) -> Tensor:
        """The labels of further pictures for a batch with labels [N]: its own, each for another picture's code."""
        return y.flip(0)[: max(2, len(y) // _PART)]

    def error(self, output: Output, told: Tensor, autocast: torch.autocast) -> Tensor:
        """Cross-entropy in nats, mean over the pictures of a forward pass with the labels `told`: a scalar.

        Where processes have a share each, what they return adds up to it.
        """
        assert output.retold is not None
        self._classifier.eval().requires_grad_(False)
        with autocast:
            verdict, _ = self._classifier(output.retold.sigmoid())
        return self._part(verdict, self._processes.share(told), len(told))

    def learn(
        self, output: Output, x: Tensor, y: Tensor, share: float, noise: torch.Generator, autocast: torch.autocast,
        whole: int | None = None,
    ) -> None:  # fmt: skip
        """One step of the classifier: on clean pictures, and on what the model makes of altered ones.

        Args:
            output: of a forward pass whose clean pictures are `x` and labels `y`.
            share: of the learning rate's peak.
            whole: how many pictures the processes have together.
        """
        count = whole or len(y)
        made = max(1, count // (2 * _PART))
        judged = min(3 * made, count)
        first, last = self._processes.own(made), self._processes.own(judged)
        rows = slice(first, last)  # half as many of the model's as clean ones, which show what classes are
        pictures = torch.cat([x[rows], output.logits[:first].detach().sigmoid()])
        labels = torch.cat([y[rows], y[:first]])
        strength = _NOISE * self._of_own(torch.rand(judged, 1, 1, 1, device=x.device, generator=noise), made)
        drawn = _empty_like(pictures, judged).normal_(generator=noise)
        pictures = pictures + strength * self._of_own(drawn, made)
        self._classifier.train().requires_grad_(True)
        with autocast:
            verdict, _ = self._classifier(pictures)
        self._optimizer.zero_grad(set_to_none=True)
        self._part(verdict, labels, judged).backward()
        self._processes.sum_([weight.grad for weight in self._classifier.parameters() if weight.grad is not None])
        set_rate(self._optimizer, share * _LEARNING_RATE)
        self._optimizer.step()

    @staticmethod
    def _part(verdict: Tensor, labels: Tensor, whole: int) -> Tensor:
        """Of a mean cross-entropy over so many pictures, what those here add to it."""
        return F.cross_entropy(verdict.float(), labels, reduction="sum") / whole

    def _of_own(self, drawn: Tensor, made: int) -> Tensor:
        """The rows of this process's pictures, among draws for clean ones from place `made` on, then for made ones."""
        if self._processes.world == 1:
            return drawn
        share = self._processes.share
        return torch.cat([share(drawn[:-made], made), share(drawn[-made:])])

    def state_dict(self) -> dict[str, Any]:
        """All of it, for a checkpoint."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        for name, part in self._parts().items():
            part.load_state_dict(saved[name])

    def _parts(self) -> dict[str, Any]:
        return {"classifier": self._classifier, "optimizer": self._optimizer}


def _empty_like(pictures: Tensor, count: int) -> Tensor:
    """So many pictures, laid out as these are: the order of draws goes by that."""
    if len(pictures) == count:
        return torch.empty_like(pictures)
    whole = pictures.new_empty(count, *pictures.shape[1:])
    last = pictures.is_contiguous(memory_format=torch.channels_last) and not pictures.is_contiguous()
    return whole.contiguous(memory_format=torch.channels_last) if last else whole
