"""The engine that the settings ask for. Ray is imported only where it is asked for."""

from __future__ import annotations

from importlib.util import find_spec

from g2is.config import EngineConfig
from g2is.engine.base import Engine
from g2is.engine.local import LocalEngine
from g2is.errors import InputError


def make_engine(config: EngineConfig, device: str) -> Engine:
    """The engine. device: as asked for.

    Raises `InputError` where Ray is asked for and not installed, cannot be reached, or cannot give such a device.
    """
    if not config.uses_ray:
        given = [name for name in ("workers", "worker_gpus") if getattr(config, name) is not None]
        if given:
            raise InputError(f"{given[0]}: is for --engine ray, which was not given")
        return LocalEngine()
    if find_spec("ray") is None:
        raise InputError('engine = ray: Ray is not installed; pip install ".[cluster]" brings it')
    if ":" in device:
        raise InputError(f"device = {device!r}: Ray gives each worker its own; expected auto, cpu or cuda")
    from g2is.engine.ray import RayEngine

    return RayEngine(config, on_cpu=device == "cpu")
