"""Every setting of the project, checked and described once; the presets; the command line's grammar.

The command line, the app and Python construct the same frozen classes, so each value has one check and one
help text. A bad value raises `InputError` that names the field, the value and the range. Imports `errors` alone.
"""

from g2is.config.build import BuildConfig, ImportConfig, ReadingConfig
from g2is.config.cost import Hardware, Workload
from g2is.config.engine import EngineConfig
from g2is.config.evaluation import EvaluationConfig
from g2is.config.graph import CommunityConfig, GraphConfig, LayoutConfig
from g2is.config.model import EnsembleConfig, GradientConfig, LoraSettings, ModelConfig, WarmupConfig
from g2is.config.settings import COMPUTED, LARGEST, REGIMES, SEEDS, RegimeName, Settings
from g2is.config.walk import DEFAULT_FRACTION, DEFAULT_PRESET, WALK_PRESETS, WalkParameters, walk_preset

__all__ = [
    "COMPUTED",
    "DEFAULT_FRACTION",
    "DEFAULT_PRESET",
    "LARGEST",
    "REGIMES",
    "SEEDS",
    "WALK_PRESETS",
    "BuildConfig",
    "CommunityConfig",
    "EngineConfig",
    "EnsembleConfig",
    "EvaluationConfig",
    "GradientConfig",
    "GraphConfig",
    "Hardware",
    "ImportConfig",
    "LayoutConfig",
    "LoraSettings",
    "ModelConfig",
    "ReadingConfig",
    "RegimeName",
    "Settings",
    "WalkParameters",
    "WarmupConfig",
    "Workload",
    "walk_preset",
]
