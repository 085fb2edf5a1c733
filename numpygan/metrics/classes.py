"""What a classifier says of samples: how sure it is, which classes there are, and how varied each is."""
import numpy as np
from scipy.spatial.distance import pdist

from ..checks import able, fraction, numeric, samples, told
from ..classifier import Classifier


def confident_share(judge: Classifier, x: np.ndarray, level: float = 0.9) -> float:
    """Share of the rows x (n, d) of which the judge is at least `level` sure, of whatever class   Eq. (13.13)"""
    return float(np.mean(_verdicts(judge, x).max(axis=1) >= fraction(level, "level")))


def class_shares(judge: Classifier, x: np.ndarray) -> np.ndarray:
    """Share of each class among the judge's verdicts on x (n, d) -> (K,), adding up to 1."""
    verdicts = _verdicts(judge, x)
    return np.bincount(verdicts.argmax(axis=1), minlength=verdicts.shape[1]) / len(x)


def _verdicts(judge, x):
    return able(judge, "judge", ("probabilities",), "classifier.train_classifier(…)").probabilities(samples(x))


def within_class_distance(x: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the classes present of the mean distance between two of its rows

    x (n, d), labels (n,). Near 0 where a class is one image again and again. NaN-free: a class with a single row
    has no pairs and is left out; ValueError when no class has a pair.
    """
    x, labels = samples(x), numeric(labels, "labels")
    if labels.shape != (len(x),) or np.isnan(labels).any():
        raise ValueError(f"labels must be {len(x)} numbers, one for each row, and none of them NaN, got {told(labels)}")
    means = [pdist(x[labels == k]).mean() for k in np.unique(labels) if np.sum(labels == k) > 1]
    if not means:
        raise ValueError("within_class_distance needs a class with at least two rows")
    return float(np.mean(means))
