"""The cost of a build, from the shape of the model and the size of the pool alone.

One multiply-add counts as two floating point operations (FLOP). Adam's rule, the sketch, casts, and what is computed
element by element are limited by memory bandwidth: they are counted in bytes, and their time is added.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from g2is.config import BuildConfig, Hardware, Workload
from g2is.lm.size import ModelShape

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "auto": 2, "int8": 1}

SGD_PASSES, ADAM_PASSES = 6, 18
"""Times that each number of a gradient is read from or written to memory by kernels of torch: for plain sketches (made,
gathered, signed, summed), and for Adam's rule with its sketch."""
SECTOR, SLOT = 32, 5
"""Bytes that the one kernel of a GPU (`lm.fused`) reads for a number that it gathers, of a gradient or of an average,
and for its place and sign. Most come from the second cache, whose rate is not published: they are charged as memory."""
SAMPLES, TOGETHER = 8, 1 << 23
"""Samples for which that kernel reads averages and places once, and coordinates of all of these, at most."""

EIGENVECTORS = 9
"""FLOP for all eigenvectors of a symmetric (d, d) matrix, as a multiple of d^3 (Golub & Van Loan)."""

CAST_IN, CAST_OUT = 18, 38
"""Bytes moved for each number that goes into or comes out of an adapted layer, forward and backward: PEFT computes LoRA
in float32, so inputs and results are cast, scaled, added and cast back."""
ADAPTER = 12
"""Bytes that an adapter's own products read and write for each such number. In TF32 that takes longer than their
arithmetic up to a rank of 300 or so; in float32 proper arithmetic hides it."""
ELEMENTWISE = 27
"""Bytes moved for each number that a linear layer gives, in 2 bytes: norms, activations, rotary embeddings, attention's
own, residuals, forward and backward. As estimated for Llamas; in 4 bytes it is twice as much."""
TOP_K = 40
"""Bytes moved for each cosine: written, counted, and ranked twice."""
HELD_BYTES = 4 * 2**30
"""Bytes of a block of rows on a device, which is compared with all rows, read once (`graph.neighbors`)."""

USED = 0.9
"""Share of a device's memory that a plan uses: allocators and libraries take the rest."""

PIECE, LARGEST_SKETCH = 1 << 22, 1e9
"""Coordinates in one piece of a weight (`lm.layers`); bytes of all permutations, at most (`lm.projection`)."""


@dataclass(frozen=True)
class Stage:
    """Cost of one part of the build: FLOP, bytes moved, and hours at the rates given."""

    name: str
    flop: float
    moved: float
    hours: float


@dataclass(frozen=True)
class Work:
    """What limits a stage. short, tf32, float32: FLOP in 16 bits, in TF32, in float32 proper. moved: bytes to and from
    the device's memory. read: bytes from the disk."""

    short: float = 0.0
    tf32: float = 0.0
    float32: float = 0.0
    moved: float = 0.0
    read: float = 0.0


@dataclass(frozen=True)
class Plan:
    """The cost of a build. The configuration has to be resolved for the model."""

    shape: ModelShape
    config: BuildConfig
    work: Workload
    hardware: Hardware

    @property
    def tokens(self) -> float:
        """Tokens of the pool, without padding."""
        return self.work.samples * self.work.tokens

    @cached_property
    def trained(self) -> int:
        """Number of parameters whose gradients are computed."""
        if self.own == "full":
            return self.shape.parameters
        if self.own == "all-linear":
            return sum(out * into for out, into in self.shape.linear)
        return self.shape.adapter(self.config.lora.rank or 0)

    @property
    def width(self) -> int:
        """Numbers in a row: those of all checkpoints side by side."""
        return (self.config.gradients.projection_dim or 0) * self.config.gradients.checkpoints

    @property
    def whitened(self) -> bool:
        """Whether whitened gradients are made from plain ones."""
        return "whitened" in self.config.regimes

    @property
    def own(self) -> str | None:
        """The kind of own weights whose gradients are computed; None for an adapter."""
        parameters = self.config.gradients.parameters
        return None if parameters == "lora" else parameters

    @property
    def on_gpu(self) -> bool:
        """Whether what is done for NVIDIA's GPUs is done: `auto` is taken to find the device that is planned for."""
        return self.config.model.device.partition(":")[0] not in ("cpu", "mps")

    # Time

    @property
    def flop_per_token(self) -> float:
        """Forward and backward pass of one token with its share of the gradient.

        The base is frozen: its backward pass computes gradients of activations only, which costs as much as the forward
        pass. A layer whose gradient is computed costs its forward pass once more; an adapter's layers add both passes
        of their own; an embedding counts as a linear layer of one-hot rows. Attention spans half the length on average,
        and its backward pass costs two forward passes.
        """
        shape, work = self.shape, self.work
        attention = 2 * work.tokens * shape.attention_width * shape.layers
        output = 2 * shape.vocabulary * shape.hidden_size * work.trained_share
        own = float(6 * self.trained)
        if self.own:
            own = 2 * sum(out * into for out, into in shape.linear)
        if self.own == "full":
            own += output + 2 * shape.vocabulary * shape.hidden_size
        return 4 * shape.multiplied + 2 * output + 3 * attention + own

    @property
    def lora_flop_per_token(self) -> float:
        """The part of `flop_per_token` that is the adapter's, whose numbers are float32."""
        return 0.0 if self.own else 6.0 * self.trained

    @property
    def moved_per_token(self) -> float:
        """Bytes of casts of the adapter, and of what is computed element by element."""
        shape = self.shape
        moved = ELEMENTWISE / 2 * BYTES[self.config.model.dtype] * sum(out for out, _ in shape.linear)
        if not self.own:
            moved += sum(CAST_IN * into + CAST_OUT * out for out, into in shape.adapted)
        return moved

    @property
    def sketch_bytes(self) -> float:
        """Bytes moved for each number of a sample's gradient, from the product that gives it into the sketches.

        Where there are averages, both sketches are made, whatever is kept.
        """
        gradients = self.config.gradients
        averages = gradients.computed != ("sgd",)
        if not self.on_gpu or gradients.projection != "countsketch":
            return 4.0 * (SGD_PASSES + ADAM_PASSES * averages)
        batch = gradients.batch_tokens / self.work.tokens
        together = int(max(1, min(SAMPLES, batch, TOGETHER / min(PIECE, self._largest))))
        together = 1 << (together.bit_length() - 1)
        return 4 + SECTOR + (SLOT + 2 * SECTOR * averages) / together

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Warm-up, gradients and neighbours; everything else takes minutes."""
        config, work = self.config, self.work
        seen = config.warmup.drawn(work.samples) * config.warmup.epochs
        steps = -(-seen // (config.warmup.batch_size or 1))
        samples = (work.samples + work.validation_samples) * config.gradients.checkpoints
        regimes = len(config.regimes)
        products = 2 * work.samples**2 * self.width * regimes
        # As in `graph.tiles`: a GPU multiplies rows in half precision where the store is no more precise.
        short = self.on_gpu and config.gradients.store_dtype != "float32"
        row = float(BYTES[config.gradients.store_dtype] * self.width)
        block = HELD_BYTES // (self.width * (2 if short else 4))
        reads = row * work.samples * -(-work.samples // block) * regimes
        return (
            self._passes("warm-up", seen * work.tokens, steps * 28 * self.trained),
            self._passes("gradients", samples * work.tokens, samples * self.sketch_bytes * self.trained),
            self._stage(
                "neighbours",
                Work(
                    short=products * short,
                    float32=products * (not short),
                    moved=TOP_K * work.samples**2 * regimes,
                    read=reads,
                ),
            ),
            *([self._whitening()] if self.whitened else []),
        )

    def _whitening(self) -> Stage:
        """On the host's processors: the second moment of the rows, its eigenvectors, and two products with these.

        With fewer rows than numbers in each, the eigenvectors are those of the rows' products with each other.
        """
        samples, width = self.work.samples, self.width
        least = min(samples, width)
        flop = 2.0 * samples * width * least + EIGENVECTORS * least**3 + 4.0 * samples * width * least
        return Stage("whitening", flop, 0, flop / (self.hardware.host_tflops * 1e12) / 3600)

    @property
    def whitening_bytes(self) -> float:
        """Memory of the host for whitening: the matrix in float64, its eigenvectors, and the solver's own twice."""
        return 32.0 * min(self.work.samples, self.width) ** 2

    def _passes(self, name: str, tokens: float, moved: float) -> Stage:
        """Forward and backward passes over tokens. moved: bytes on top."""
        training, short = name == "warm-up", self.config.model.dtype != "float32"
        lora = tokens * self.lora_flop_per_token
        rest = tokens * self.flop_per_token - lora
        moved += tokens * self.moved_per_token
        if not short or (training and self.own):  # a model's own weights are trained in float32
            return self._stage(name, Work(float32=rest + lora, moved=moved))
        if training or not self.on_gpu:
            return self._stage(name, Work(short=rest, float32=lora, moved=moved))
        if lora:
            moved += tokens * ADAPTER * sum(out + into for out, into in self.shape.adapted)
        return self._stage(name, Work(short=rest, tf32=lora, moved=moved))

    def _stage(self, name: str, work: Work) -> Stage:
        hardware = self.hardware
        reached = 1e12 * hardware.peak_share
        seconds = work.short / (hardware.tflops * reached)
        seconds += work.tf32 / (hardware.tf32_tflops * reached)
        seconds += work.float32 / (hardware.float32_tflops * reached)
        seconds += work.moved / (hardware.bandwidth * reached) + work.read / (hardware.reading * 1e12)
        # The warm-up is one training, which devices do not share; gradients are shared among replicas of the model.
        shared = {"warm-up": 1, "gradients": self.replicas}.get(name, hardware.devices)
        moved = work.moved + work.read
        return Stage(name, work.short + work.tf32 + work.float32, moved, seconds / 3600 / shared)

    @property
    def hours(self) -> float:
        """All stages, one after the other."""
        return sum(stage.hours for stage in self.stages)

    # Memory of the device, in bytes

    @property
    def least_devices(self) -> int:
        """Devices that hold the model with what the larger of warm-up and gradients needs, spread over them."""
        needed = max(self.warmup_bytes, self.gradients_bytes)
        return max(1, math.ceil(needed / (USED * 1e9 * self.hardware.memory)))

    @property
    def replicas(self) -> int:
        """Copies of the model that compute gradients side by side. Layers on several devices work one after the other,
        so each copy is as fast as one device; at least one is assumed, whether or not it fits."""
        return max(1, self.hardware.devices // self.least_devices)

    @property
    def weights_bytes(self) -> float:
        """The base model, and the adapter in float32."""
        shape, model = self.shape, self.config.model
        size = BYTES[model.dtype]
        base = float(shape.parameters * size)
        if model.load_in_4bit:
            # Half a byte a weight, and one float32 for each block of 64; all but linear layers stay as they are.
            linear = sum(out * into for out, into in shape.linear)
            base += linear * (0.5 + 4 / 64 - size)
        return base if self.own else base + 4 * self.trained

    @property
    def activations_bytes(self) -> float:
        """Activations that a batch keeps for its backward pass, its logits in three copies, and one layer's gradients.

        As measured on Llamas: one and a half times the outputs of linear layers, and the inputs of norms and adapters
        in float32.
        """
        shape, gradients, size = self.shape, self.config.gradients, BYTES[self.config.model.dtype]
        rank = self.config.lora.rank or 0
        token = 1.5 * size * sum(out for out, _ in shape.linear) + 8 * shape.layers * shape.hidden_size
        if self.own:
            token += size * sum(into for _, into in shape.linear)
        else:
            token += 4 * sum(into + rank for _, into in shape.adapted)
        token += self.work.trained_share * shape.vocabulary * (size + 8)
        batch = max(1, gradients.batch_tokens / self.work.tokens)
        return gradients.batch_tokens * token + 16 * batch * self._largest

    @property
    def _largest(self) -> int:
        """Coordinates of the largest gradient that exists at once, of one sample."""
        if self.own:
            return PIECE
        return (self.config.lora.rank or 0) * max(max(out, into) for out, into in self.shape.adapted)

    @property
    def warmup_bytes(self) -> float:
        """Weights, gradients of the trained ones, Adam's two averages, activations.

        A model's own weights are trained in float32; without epochs nothing is.
        """
        if self.own and not self.config.warmup.epochs:
            return self.weights_bytes
        longer = 4 / BYTES[self.config.model.dtype] if self.own else 1
        return longer * (self.weights_bytes + self.activations_bytes) + 12 * self.trained

    @property
    def gradients_bytes(self) -> float:
        """Weights, averages (unless only `sgd` is kept), the sketch's permutation and signs, activations."""
        averages = 0 if self.config.gradients.computed == ("sgd",) else 8 * self.trained
        return self.weights_bytes + averages + min(5 * self.trained, LARGEST_SKETCH) + self.activations_bytes

    # Disk, in bytes

    @property
    def regime_bytes(self) -> float:
        """A regime in a run: unit rows, norms, neighbours, conflicts, cosines to validation."""
        config = self.config
        row = self.width * BYTES[config.gradients.store_dtype] + 4
        row += 8 * (config.graph.neighbors + config.graph.conflicts) + 4 * self.work.validation_samples
        return row * self.work.samples

    @property
    def disk_bytes(self) -> float:
        """A finished run without the instructions themselves."""
        validation = 4 * self.work.validation_samples * self.width
        vectors = 4.0 * min(self.work.samples, self.width) * self.width if self.whitened else 0
        return self.regime_bytes * len(self.config.regimes) + self.state_bytes + validation + vectors

    @property
    def state_bytes(self) -> float:
        """Trained parameters with Adam's averages at each checkpoint, in float32."""
        without = self.own and not self.config.warmup.epochs and self.config.gradients.computed == ("sgd",)
        return 0 if without else 12 * self.trained * self.config.gradients.checkpoints

    @property
    def building_bytes(self) -> float:
        """Peak disk use of a build: that of the run.

        Shards are joined as they come. Those of several checkpoints wait for the last one; in float16, where the run
        keeps int8, they are larger than what becomes of them.
        """
        gradients = self.config.gradients
        number = max(2, BYTES[gradients.store_dtype])
        earlier = number * (gradients.projection_dim or 0) * (gradients.checkpoints - 1) * self.work.samples
        return max(self.disk_bytes, self.state_bytes + earlier * len(gradients.computed))
