"""Numbers about samples: how good, how varied, how near the data, how copied.

    metrics.modes(x, ng.data.ring())        # modes covered, share of high quality, reverse KL

x are rows of samples (n, d). Each is to be read beside its anchors: what perfect samples, the training data, and
noise score in the same place (docs/13-metrics.md).
"""
from .classes import class_shares, confident_share, nearest_distance, within_class_distance
from .coverage import Modes, modes, perfect_modes

__all__ = ["Modes", "class_shares", "confident_share", "modes", "nearest_distance", "perfect_modes",
           "within_class_distance"]
