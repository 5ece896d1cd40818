"""Where a build computes: in its own process, or on workers of Ray. Nothing here changes what a run contains."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from g2is.config.settings import LARGEST, Settings


class EngineConfig(Settings):
    """Where a build computes."""

    engine: Literal["local", "ray"] = Field(
        "local",
        description="local: in this process; ray: on workers of Ray, which starts on this machine unless --address is "
        'given (pip install ".[cluster]")',
    )
    address: str | None = Field(
        None,
        description="Ray cluster to join, auto for the one that this machine belongs to; implies --engine ray",
    )
    workers: int | None = Field(
        None, ge=1, le=LARGEST, description="workers at most (one a GPU, or one a CPU where there is no GPU)"
    )
    worker_gpus: int | None = Field(
        None,
        ge=0,
        le=1024,
        description="GPUs of a worker, with --device-map for a model that one does not hold (1; 0 without GPUs)",
    )
    shard_minutes: float = Field(
        120.0,
        gt=0,
        le=1e6,
        description="minutes that a worker may take for a shard; then it is taken to hang and replaced",
    )

    @property
    def uses_ray(self) -> bool:
        """Whether workers of Ray compute."""
        return self.engine == "ray" or self.address is not None
