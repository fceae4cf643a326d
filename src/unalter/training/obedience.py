"""What makes a conditional model obey its label: what codes give with other labels is judged while it learns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from unalter.nn import Architecture, Output, seeded
from unalter.nn.encoder import Encoder

_PART = 4
"""One picture is judged with another label for so many of a batch."""
_LEARNING_RATE = 2e-3
_NOISE = 0.1
"""Most of the noise on what the classifier learns from: it should not see what no person sees."""


class Obedience:
    """A classifier that learns beside a conditional model from what that is trained on, and judges what it decodes.

    It is no part of the model, but of a checkpoint.
    """

    def __init__(self, config: Architecture, seed: int, device: torch.device) -> None:
        with seeded(seed):
            classifier = Encoder(replace(config, classes=0, obedient=False, pose=False), config.classes)
        self._classifier = classifier.to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self._optimizer = torch.optim.AdamW(classifier.parameters(), _LEARNING_RATE, betas=(0.9, 0.99), fused=True)

    @staticmethod
    def told(y: Tensor) -> Tensor:
        """The labels of further pictures for a batch with labels [N]: its own, each for another picture's code."""
        return y.flip(0)[: max(2, len(y) // _PART)]

    def error(self, output: Output, told: Tensor, autocast: torch.autocast) -> Tensor:
        """Cross-entropy in nats, mean over the pictures of a forward pass with the labels `told`: a scalar."""
        assert output.retold is not None
        self._classifier.eval().requires_grad_(False)
        with autocast:
            verdict, _ = self._classifier(output.retold.sigmoid())
        return F.cross_entropy(verdict.float(), told)

    def learn(
        self, output: Output, x: Tensor, y: Tensor, share: float, noise: torch.Generator, autocast: torch.autocast
    ) -> None:
        """One step of the classifier: on clean pictures, and on what the model makes of altered ones.

        Args:
            output: of a forward pass whose clean pictures are `x` and labels `y`.
            share: of the learning rate's peak.
        """
        made = max(1, len(y) // (2 * _PART))
        rows = slice(made, 3 * made)  # half as many of the model's as clean ones, which show what classes are
        pictures = torch.cat([x[rows], output.logits[:made].detach().sigmoid()])
        labels = torch.cat([y[rows], y[:made]])
        strength = _NOISE * torch.rand(len(pictures), 1, 1, 1, device=x.device, generator=noise)
        pictures = pictures + strength * torch.empty_like(pictures).normal_(generator=noise)
        self._classifier.train().requires_grad_(True)
        with autocast:
            verdict, _ = self._classifier(pictures)
        self._optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(verdict.float(), labels).backward()
        for group in self._optimizer.param_groups:
            group["lr"] = share * _LEARNING_RATE
        self._optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """All of it, for a checkpoint."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        for name, part in self._parts().items():
            part.load_state_dict(saved[name])

    def _parts(self) -> dict[str, Any]:
        return {"classifier": self._classifier, "optimizer": self._optimizer}
