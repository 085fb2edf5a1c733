"""Named arrays in one flat vector: where each layer's lie, the views of them, and new values put in."""
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Slots = list[tuple[str, int, int, tuple[int, ...]]]         # of one layer: name, start, end, shape


def layout(shapes: Sequence[Mapping[str, tuple[int, ...]]]) -> tuple[list[Slots], int]:
    """The slots of each layer, one after the other in C order, and the length of the vector that holds them all."""
    layers, end = [], 0
    for of_layer in shapes:
        slots = []
        for name, shape in of_layer.items():
            start, end = end, end + math.prod(shape)
            slots.append((name, start, end, tuple(shape)))
        layers.append(slots)
    return layers, end


def cut(vector: np.ndarray, layers: Sequence[Slots]) -> list[dict[str, np.ndarray]]:
    """The named views of each layer."""
    views: list[dict[str, np.ndarray]] = []     # by loops, in three quarters of the time of comprehensions
    for slots in layers:
        views.append(of_layer := {})
        for name, a, b, shape in slots:
            of_layer[name] = vector[a:b] if len(shape) == 1 else vector[a:b].reshape(shape)
    return views


def renewed(vector: np.ndarray, layers: Sequence[Slots], proposals: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """A new vector: the old one with what each layer proposes by name; of complex proposals, the real part.

    ValueError for a name or a shape that the layer did not declare.
    """
    vector = vector.copy()
    for i, (slots, new) in enumerate(zip(layers, proposals, strict=True)):
        known = {name: (a, b, shape) for name, a, b, shape in slots} if new else {}
        for name, value in new.items():
            a, b, shape = known.get(name, (0, 0, None))
            value = np.asarray(value)
            if value.shape != shape:
                declared = ", ".join(f"{k} {v[2]}" for k, v in known.items())
                raise ValueError(f"layer {i} proposes {name!r} of shape {value.shape} as new state, and its "
                                 f"state(d_in) declares {declared}")
            vector[a:b] = value.real.reshape(-1)
    return vector
