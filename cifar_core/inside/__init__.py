"""Inside a network: its layers and what they hold, what excites them, and a Vision GNN's graph."""

from cifar_core.inside.excitation import Aim, Ascent, excite, strengths
from cifar_core.inside.feature_maps import feature_maps, filters
from cifar_core.inside.graph import Heard, graph_blocks, listen
from cifar_core.inside.layers import Layer, layers_of
from cifar_core.inside.statistics import Activity, activity

__all__ = [
    "Activity",
    "Aim",
    "Ascent",
    "Heard",
    "Layer",
    "activity",
    "excite",
    "feature_maps",
    "filters",
    "graph_blocks",
    "layers_of",
    "listen",
    "strengths",
]
