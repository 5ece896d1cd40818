"""Per-sample gradients of an adapter, or of a model's own weights, from one backward pass over a padded batch.

Hooks record a layer's input and the gradient at its output; one batched matrix product then gives its gradients for all
samples of a batch (`layers`). These become Adam gradients and sketches at once and are dropped: no full gradient vector
ever exists, and memory does not depend on the number of samples.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch

from g2is.errors import InputError
from g2is.lm.adam import AdamRule
from g2is.lm.layers import Use, differentiable, pieces
from g2is.lm.one_kernel import one_kernel
from g2is.lm.precision import float32_products
from g2is.lm.projection import CountSketch, Folded, RandomProjection
from g2is.lm.scatter import scatter_both
from g2is.lm.text import Encoded
from g2is.lm.train import BETAS, EPSILON, TrainingState, sample_losses, trainable

Kind = Literal["sgd", "adam"]

EXPERT = re.compile(r"\.experts\.\d+\.")
"""In names of layers that see only the tokens routed to them."""


@dataclass(frozen=True)
class AdamAverages:
    """Adam's averages after the warm-up, by name of the piece of a parameter. epsilon: added in or outside the root."""

    exp_avg: dict[str, torch.Tensor]
    exp_avg_sq: dict[str, torch.Tensor]
    epsilon: Literal["inside", "outside"] = "inside"

    @classmethod
    def from_training(
        cls,
        state: TrainingState,
        parameters: dict[str, torch.nn.Parameter],
        epsilon: Literal["inside", "outside"] = "inside",
    ) -> AdamAverages:
        """The averages in the pieces of gradients, each on the device of its parameter."""

        def cut(averages: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            return {
                piece: averages[name].to(parameter.device)[rows].flatten()
                for name, parameter in parameters.items()
                for piece, rows in pieces(name, parameter.shape).items()
            }

        return cls(cut(state.exp_avg), cut(state.exp_avg_sq), epsilon)

    def adam_gradient(self, name: str, gradient: torch.Tensor) -> torch.Tensor:
        """The Adam gradients for gradients (b, p) of a parameter; see `AdamRule.gradient`."""
        return self.rule(name).gradient(gradient)

    def rule(self, name: str) -> AdamRule:
        """The rule for a parameter. Epsilon stands inside the root as in LESS; torch's Adam, like `outside`, adds it to
        the root."""
        added = (EPSILON, 0.0) if self.epsilon == "inside" else (0.0, EPSILON)
        return AdamRule(self.exp_avg[name], self.exp_avg_sq[name], BETAS, *added)

    def add_both(
        self,
        projection: RandomProjection,
        name: str,
        gradient: torch.Tensor,
        plain: torch.Tensor,
        adam: torch.Tensor,
    ) -> None:
        """Add the projections of `gradient` (b, p) and of its Adam gradient to their sketches (b, d)."""
        rule, device = self.rule(name), gradient.device
        if isinstance(projection, Folded) and (fused := one_kernel(device)):
            fused.fold_both(projection.folding(name, device), gradient, rule, plain, adam)
        elif (
            isinstance(projection, CountSketch)
            and device.type == "cpu"
            and rule.exp_avg.dtype == torch.float32
        ):
            scatter_both(projection.places(name), gradient.float(), rule, plain, adam)
        else:
            gradient = gradient.float()
            projection.add(plain, name, gradient)
            projection.add(adam, name, rule.gradient(gradient))

    def common(self, projection: RandomProjection) -> torch.Tensor:
        """(d,) the sketch that all Adam gradients share, `P[b1 m / sqrt(b2 v + 1e-8)]`: that of a zero gradient."""
        plain, mu = Sketches(1, projection.dim), Sketches(1, projection.dim)
        for name, average in self.exp_avg.items():
            zero, device = torch.zeros(1, len(average), device=average.device), average.device
            self.add_both(projection, name, zero, plain.on(device), mu.on(device))
        return mu.total()[0]


class Sketches:
    """Sums of projections (b, d), one on each device that layers are on."""

    def __init__(self, count: int, dim: int) -> None:
        self.shape = (count, dim)
        self._parts: dict[torch.device, torch.Tensor] = {}

    def on(self, device: torch.device) -> torch.Tensor:
        """The sum on a device, for adding to it in place."""
        if device not in self._parts:
            self._parts[device] = torch.zeros(self.shape, device=device)
        return self._parts[device]

    def total(self) -> torch.Tensor:
        """The sum over all devices, on the first of them."""
        first, *others = (self._parts[device] for device in sorted(self._parts, key=str))
        return sum((part.to(first.device) for part in others), first)


class GradientEngine:
    """Sketches of the per-sample gradients of the parameters that a model trains.

    Puts the model into eval mode and freezes it, so that autograd computes gradients of activations only. Raises
    `InputError` where a trained layer is of a kind whose gradients hooks cannot give.
    """

    def __init__(
        self, model: Any, projection: RandomProjection, averages: AdamAverages | None = None
    ) -> None:
        self.model = model.eval()
        self.projection = projection
        self.averages = averages
        self._names = {parameter: name for name, parameter in trainable(model).items()}
        self._watched = {
            module: attributes
            for module in model.modules()
            if (attributes := {a: self._names[p] for a, p in module._parameters.items() if p in self._names})
        }
        self._shapes = {name: parameter.shape for parameter, name in self._names.items()}
        # An adapter is float32 also where the weights around it keep seven bits of a fraction. TF32 keeps ten.
        half = any(parameter.dtype in (torch.bfloat16, torch.float16) for parameter in model.parameters())
        self._precision: Literal["tf32", "ieee"] = "tf32" if half else "ieee"
        self._refuse_what_hooks_miss()
        model.requires_grad_(False)

    def _refuse_what_hooks_miss(self) -> None:
        """Raise `InputError` for layers whose gradients have no known form."""
        output = self.model.get_output_embeddings()
        # The output layer sees the predicted tokens of all samples in one row; an adapter inside it would, too.
        inside = set(output.parameters()) - set(output._parameters.values())
        for parameter, name in self._names.items():
            owners = [
                module for module in self._watched if any(p is parameter for p in module._parameters.values())
            ]
            if parameter in inside or not all(differentiable(module, parameter) for module in owners):
                raise InputError(
                    f"{name}: gradients are not taken of such a layer; leave embeddings and the output layer out "
                    "of --lora-target-modules, or choose other --parameters"
                )

    def __call__(self, batch: Sequence[Encoded]) -> tuple[dict[Kind, torch.Tensor], torch.Tensor]:
        """Sketches (b, d) float32 of each kind, unnormalised, and losses (b,), in the order given."""
        kinds: tuple[Kind, ...] = ("sgd", "adam") if self.averages else ("sgd",)
        sketches = {kind: Sketches(len(batch), self.projection.dim) for kind in kinds}
        counts = tuple(int(sample.trained.sum()) for sample in batch)
        tokens = len(batch) * max(map(len, batch))
        with (
            self._hooks(sketches, counts, tokens),
            float32_products(self._precision),
            torch.enable_grad(),
        ):
            losses = sample_losses(self.model, batch)
            losses.sum().backward()
        return {kind: sums.total() for kind, sums in sketches.items()}, losses.detach()

    @contextmanager
    def _hooks(self, sketches: dict[Kind, Sketches], counts: tuple[int, ...], tokens: int) -> Iterator[None]:
        """Hook every layer with trained parameters for one forward and backward pass.

        counts: predicted tokens of each sample. tokens: of the whole batch, with padding.
        """
        output_layer = self.model.get_output_embeddings()
        awaited: Counter[str] = Counter()
        uses: dict[str, list[Use]] = defaultdict(list)

        def take(module: Any, inputs: torch.Tensor, delta: torch.Tensor) -> None:
            cut = counts if module is output_layer else None
            for attribute, name in self._watched[module].items():
                uses[name].append(Use(module, attribute, inputs.to(delta.device), delta, cut))
                # Tied weights are used twice, and Adam's rule applies to the sum of their gradients.
                if len(uses[name]) == awaited[name]:
                    self._sketch(sketches, name, uses.pop(name))

        def watch(module: Any, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
            given, count = inputs[0].detach(), 1 if module is output_layer else len(counts)
            name = next(iter(self._watched[module].values()))
            shape = None
            if output.dim() == 2 and len(output) == tokens and not EXPERT.search(name):
                # Some models (OPT, shared experts) flatten the samples of a batch into one sequence of tokens.
                shape = output.shape
                given, output = (rows.reshape(count, -1, rows.shape[-1]) for rows in (given, output))
            if isinstance(module, torch.nn.Embedding) and len(given) == 1 < count:
                # Positions are looked up once for all samples, but each sample needs its own gradient.
                given, output = given.expand(count, -1), output.expand(count, -1, -1)
            if len(output) != count or output.dim() < 3:
                raise InputError(
                    f"{name}: this layer does not see each sample once (a "
                    "mixture of experts); leave it out of --lora-target-modules"
                )
            awaited.update(self._watched[module].values())
            # Nothing before the first layers is trained, so that autograd has to start at their outputs.
            if not output.requires_grad:
                output.requires_grad_()
            output.register_hook(partial(take, module, given))
            return output if shape is None else output.view(shape)

        handles = [module.register_forward_hook(watch) for module in self._watched]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _sketch(self, sketches: dict[Kind, Sketches], name: str, uses: list[Use]) -> None:
        """Add the gradients of one parameter to the sketches, piece by piece."""
        for piece, rows in pieces(name, self._shapes[name]).items():
            first, *others = (use.gradient(rows) for use in uses)
            gradient = sum((other.float() for other in others), first.float()) if others else first
            sums = [kind.on(gradient.device) for kind in sketches.values()]
            if self.averages:
                self.averages.add_both(self.projection, piece, gradient, *sums)
            else:
                self.projection.add(sums[0], piece, gradient)
