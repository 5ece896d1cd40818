"""Core knowledge: directions in gradient space, taken from validation gradients, with the weight of each.

Knows arrays only. May import: errors, config, arrays.
"""

from g2is.knowledge.affinities import affinities_by_examples, component_affinities
from g2is.knowledge.core import DEFAULT_TARGET, CoreKnowledge
from g2is.knowledge.facets import facets
from g2is.knowledge.principal import principal
from g2is.knowledge.targets import core_knowledge

__all__ = [
    "DEFAULT_TARGET",
    "CoreKnowledge",
    "affinities_by_examples",
    "component_affinities",
    "core_knowledge",
    "facets",
    "principal",
]
