"""Per-sample gradients of the LoRA adapter from one backward pass over a padded batch.

A LoRA layer is two small linear maps. For each, a sample's gradient is the sum over its tokens of the
outer product of the gradient at the map's output with the map's input, so hooks that see both get the
gradients of all samples of a batch with one batched matrix product. Each layer's gradients become
Adam gradients and sketches at once and are dropped: no full gradient vector ever exists, and memory
does not depend on the number of samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch

from g2is.errors import InputError
from g2is.lm.projection import RandomProjection
from g2is.lm.text import Encoded
from g2is.lm.train import BETAS, EPSILON, TrainingState, sample_losses, trainable

Kind = Literal["sgd", "adam"]


@dataclass(frozen=True)
class AdamAverages:
    """Adam's averages after the warm-up, by parameter name, and where its epsilon goes."""

    exp_avg: dict[str, torch.Tensor]
    exp_avg_sq: dict[str, torch.Tensor]
    epsilon: Literal["inside", "outside"] = "inside"

    @classmethod
    def from_training(
        cls, state: TrainingState, epsilon: Literal["inside", "outside"], device: str
    ) -> AdamAverages:
        """The averages on the device that the gradients are on."""
        exp_avg = {name: tensor.flatten().to(device) for name, tensor in state.exp_avg.items()}
        exp_avg_sq = {name: tensor.flatten().to(device) for name, tensor in state.exp_avg_sq.items()}
        return cls(exp_avg, exp_avg_sq, epsilon)

    def adam_gradient(self, name: str, gradient: torch.Tensor) -> torch.Tensor:
        """`(b1 m + (1-b1) g) / sqrt(b2 v + (1-b2) g^2 + 1e-8)` for `gradient` (b, p), no bias correction.

        Epsilon stands inside the root as in LESS; torch's Adam, like `outside`, adds it to the root.
        """
        b1, b2 = BETAS
        square = torch.addcmul(b2 * self.exp_avg_sq[name], gradient, gradient, value=1 - b2)
        root = square.add_(EPSILON).sqrt_() if self.epsilon == "inside" else square.sqrt_().add_(EPSILON)
        return torch.add(b1 * self.exp_avg[name], gradient, alpha=1 - b1).div_(root)

    def common(self, projection: RandomProjection) -> torch.Tensor:
        """The part that all Adam gradients share, `P[b1 m / sqrt(b2 v + 1e-8)]`: (d,)."""
        some = next(iter(self.exp_avg.values()))
        mu = torch.zeros(1, projection.dim, device=some.device)
        for name in self.exp_avg:
            zero = torch.zeros_like(self.exp_avg[name]).unsqueeze(0)
            projection.add(mu, name, self.adam_gradient(name, zero))
        return mu[0]


class GradientEngine:
    """Sketches of the per-sample gradients of a model's adapter.

    The model is put into eval mode and its adapter is frozen: autograd then carries gradients only to
    the adapter's activations, and the hooks do the rest.
    """

    def __init__(
        self, model: Any, projection: RandomProjection, averages: AdamAverages | None = None
    ) -> None:
        self.model = model.eval()
        self.projection = projection
        self.averages = averages
        self._names = {parameter: name for name, parameter in trainable(model).items()}
        self._refuse_what_hooks_miss()
        model.requires_grad_(False)

    def _refuse_what_hooks_miss(self) -> None:
        """Only linear maps that see (b, t, features) once a pass have gradients of the form computed here."""
        seen = {
            module.weight
            for module in self.model.modules()
            if isinstance(module, torch.nn.Linear) and module.weight in self._names
        }
        # The output layer's input is cut to the predicted tokens of all samples together.
        output = set(self.model.get_output_embeddings().parameters())
        for parameter, name in self._names.items():
            if parameter not in seen or parameter in output:
                raise InputError(
                    f"{name}: gradients are taken of linear layers inside the model only; leave embeddings "
                    "and the output layer out of --lora-target-modules"
                )

    def __call__(self, batch: Sequence[Encoded]) -> tuple[dict[Kind, torch.Tensor], torch.Tensor]:
        """Sketches (b, d) float32 of each kind, unnormalised, and losses (b,), in the order given."""
        device = next(self.model.parameters()).device
        kinds: tuple[Kind, ...] = ("sgd", "adam") if self.averages else ("sgd",)
        sketches = {kind: torch.zeros(len(batch), self.projection.dim, device=device) for kind in kinds}
        with self._hooks(sketches), torch.enable_grad():
            losses = sample_losses(self.model, batch)
            losses.sum().backward()
        return sketches, losses.detach()

    @contextmanager
    def _hooks(self, sketches: dict[Kind, torch.Tensor]) -> Iterator[None]:
        """Watch every adapter map of the model for one forward and backward pass."""
        taken: set[str] = set()

        def take(name: str, inputs: torch.Tensor, delta: torch.Tensor) -> None:
            if inputs.dim() != 3 or name in taken:
                raise InputError(
                    f"{name}: this layer does not see each sample once (a mixture of experts, or shared "
                    "layers); leave it out of --lora-target-modules"
                )
            taken.add(name)
            gradient = torch.bmm(delta.transpose(1, 2), inputs).flatten(1).float()
            self.projection.add(sketches["sgd"], name, gradient)
            if self.averages:
                self.projection.add(sketches["adam"], name, self.averages.adam_gradient(name, gradient))

        def watch(name: str, module: Any, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
            # The first layers' outputs depend on nothing that is trained: gradients start here.
            if not output.requires_grad:
                output.requires_grad_()
            output.register_hook(partial(take, name, inputs[0].detach()))

        handles = [
            module.register_forward_hook(partial(watch, self._names[module.weight]))
            for module in self.model.modules()
            if getattr(module, "weight", None) in self._names
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
