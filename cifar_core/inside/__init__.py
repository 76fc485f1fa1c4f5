"""Inside a network: layers, feature maps, pictures that excite them, and a Vision GNN's graph."""

from cifar_core.inside.excitation import Aim, Ascent, excite, strengths
from cifar_core.inside.feature_maps import feature_maps, filters
from cifar_core.inside.graph import NodeNeighbors, graph_blocks, neighbors_of
from cifar_core.inside.layers import Layer, layers_of
from cifar_core.inside.statistics import Activity, activity

__all__ = [
    "Activity",
    "Aim",
    "Ascent",
    "Layer",
    "NodeNeighbors",
    "activity",
    "excite",
    "feature_maps",
    "filters",
    "graph_blocks",
    "layers_of",
    "neighbors_of",
    "strengths",
]
