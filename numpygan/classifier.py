"""A small classifier that the package trains itself: the judge of generated digits."""
from typing import NamedTuple

import numpy as np

from .functional import affine, relu, softmax_cross_entropy
from .init import glorot
from .layers import Dense, Dropout, ReLU
from .network import Network
from .optim import Adam
from .schedule import LinearDecay

WIDTH, BATCH, NOISE, DECAY = 256, 128, 0.3, 3e-3


class Classifier(NamedTuple):
    """Class probabilities for rows x: softmax of the logits of `net`."""
    net: Network

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """softmax(f(x)): x (n, d) -> (n, K), rows that add up to 1."""
        s = self.net(x)
        e = np.exp(s - s.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def features(self, x: np.ndarray) -> np.ndarray:
        """The hidden layer, ReLU(x W + b): x (n, d) -> (n, width). What the classes are told apart by."""
        p = self.net.params()
        return relu(affine(x, p["0.W"], p["0.b"]))

    def accuracy(self, x: np.ndarray, labels: np.ndarray) -> float:
        """Share of the rows whose likeliest class is their label."""
        return float(np.mean(self.net(x).argmax(axis=1) == labels))


def train_classifier(x: np.ndarray, labels: np.ndarray, rng: np.random.Generator, steps: int = 2000) -> Classifier:
    """Fit one hidden layer to x (n, d) with labels 0 … K − 1 by Adam on the softmax cross-entropy.

    Input noise, dropout and weight decay are there to keep it modest: it is used for how sure it is, and without them
    it is sure of one in seven images of pure noise.
    """
    classes = int(labels.max()) + 1
    net = Network([Dense(WIDTH), ReLU(), Dropout(0.3), Dense(classes, init=glorot)], x.shape[1], rng=rng)
    optimiser = Adam(LinearDecay(2e-3, steps, hold=0))
    for _ in range(steps):
        rows = rng.integers(len(x), size=BATCH)
        seen = x[rows] + NOISE * rng.standard_normal((BATCH, x.shape[1]), dtype=np.float32)
        logits, tape = net.forward(seen, rng)
        _, d_logits = softmax_cross_entropy(logits, labels[rows])
        _, g = net.backward(tape, d_logits, want_dx=False)
        optimiser.step(net, g + DECAY * net.theta)
    return Classifier(net)
