"""The workload and hardware for which `plan` estimates the cost."""

from __future__ import annotations

from pydantic import Field

from g2is.config.settings import LARGEST, Settings


class Workload(Settings):
    """The size of the pool and of its validation examples."""

    samples: int = Field(270_000, ge=1, le=10**12, description="instructions in the pool")
    tokens: float = Field(300.0, ge=1, le=1e9, description="mean tokens of an instruction")
    trained_share: float = Field(
        0.5, gt=0, le=1, description="share of the tokens that is trained: responses"
    )
    validation_samples: int = Field(100, ge=2, le=LARGEST, description="validation examples of all targets")


class Hardware(Settings):
    """The devices of a build; the defaults are one NVIDIA H100 or H200 SXM.

    Peaks are those of NVIDIA's data sheets (H100, H200, A100), whose figures with sparsity are twice as high.
    """

    devices: int = Field(1, ge=1, le=10**6, description="devices that share gradients and neighbours")
    memory: float = Field(80.0, ge=1e-3, le=1e6, description="of a device in GB (H200: 141)")
    tflops: float = Field(
        989.0,
        ge=1e-3,
        le=1e6,
        description="peak of a device in 10^12 FLOP/s in 16 bits, without sparsity, for the model and for neighbours "
        "(A100: 312)",
    )
    tf32_tflops: float = Field(
        494.0,
        ge=1e-3,
        le=1e6,
        description="the same in TF32, for gradients of LoRA beside weights of 16 bits (A100: 156)",
    )
    float32_tflops: float = Field(
        67.0,
        ge=1e-3,
        le=1e6,
        description="the same in float32, for what is trained in the warm-up and for --dtype float32 (A100: 19.5)",
    )
    host_tflops: float = Field(
        0.2,
        ge=1e-3,
        le=1e6,
        description="of the host's processors in 10^12 FLOP/s, for whitened gradients",
    )
    peak_share: float = Field(
        0.65,
        ge=1e-3,
        le=1,
        description="share of the peaks, of arithmetic and of memory, that is reached while each is what limits",
    )
    bandwidth: float = Field(
        3.35, ge=1e-3, le=1e6, description="memory of a device in 10^12 bytes/s (H200: 4.8, A100: 2.0)"
    )
    reading: float = Field(
        0.01,
        ge=1e-6,
        le=1e6,
        description="from the disk to a device in 10^12 bytes/s: gradients, for neighbours",
    )
