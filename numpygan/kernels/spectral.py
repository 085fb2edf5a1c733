"""The spectral norm of a weight matrix, compiled: products with vectors, and the gradient in one pass."""
import numpy as np

from .support import alike, floats, jit


@jit
def _power_iteration(W, v, u, v_new):
    """Both lengths before they are divided out: 0 for one that cannot be."""
    rows, columns = W.shape
    square = 0.0
    for i in range(rows):
        total = W.dtype.type(0)
        for j in range(columns):
            total += W[i, j] * v[j]
        u[i] = total
        square += np.float64(total) * np.float64(total)
    first = W.dtype.type(np.sqrt(square))
    if first == 0:
        return first, first
    for j in range(columns):
        v_new[j] = 0
    for i in range(rows):
        u[i] /= first
        for j in range(columns):
            v_new[j] += u[i] * W[i, j]
    square = 0.0
    for j in range(columns):
        square += np.float64(v_new[j]) * np.float64(v_new[j])
    second = W.dtype.type(np.sqrt(square))
    for j in range(columns):
        v_new[j] /= second
    return first, second


@jit
def _spectral_norm(W, u, v, W_bar):
    rows, columns = W.shape
    sigma = 0.0
    for i in range(rows):
        total = W.dtype.type(0)
        for j in range(columns):
            total += W[i, j] * v[j]
        sigma += np.float64(u[i]) * np.float64(total)
    size = W.dtype.type(sigma)
    for i in range(rows):
        for j in range(columns):
            W_bar[i, j] = W[i, j] / size
    return size


@jit
def _spectral_norm_backward(dW_bar, W_bar, u, v, sigma, dW):
    along = 0.0
    for i in range(dW.shape[0]):
        for j in range(dW.shape[1]):
            along += np.float64(dW_bar[i, j]) * np.float64(W_bar[i, j])
    inner = dW.dtype.type(along)
    for i in range(dW.shape[0]):
        for j in range(dW.shape[1]):
            dW[i, j] = (dW_bar[i, j] - inner * u[i] * v[j]) / sigma


def _operands(W, **vectors):
    """W (d_in, d_out) with u (d_in,) and v (d_out,) of its dtype."""
    W = floats(W)
    vectors = {name: floats(x) for name, x in vectors.items()}
    shapes = {"u": W.shape[:1], "v": W.shape[1:]}
    if W.ndim != 2 or any(x.shape != shapes[name] or x.dtype != W.dtype for name, x in vectors.items()):
        got = ", ".join(f"{name} {x.shape} {x.dtype}" for name, x in vectors.items())
        raise ValueError(f"a matrix (d_in, d_out) goes with u (d_in,) and v (d_out,) of its dtype, got {W.shape} "
                         f"{W.dtype}, {got}")
    return W, *vectors.values()


def power_iteration(W, v):
    """u ← W v / ‖W v‖,   v ← Wᵀ u / ‖Wᵀ u‖                                                      Eq. (11.9)

    Optimizations: W is read twice, row by row both times.
    """
    W, v = _operands(W, v=v)
    u, v_new = np.empty(W.shape[0], W.dtype), np.empty(W.shape[1], W.dtype)
    if 0 in _power_iteration(W, v, u, v_new):
        raise ValueError("the power iteration met W v = 0, and W / σ(W) is not defined for W = 0: start W at other "
                         "values than zeros")
    return u, v_new


def spectral_norm(W, u, v):
    """σ = uᵀ W v,   W̄ = W / σ                                                                 Eq. (11.8)

    Optimizations: no temporaries.
    """
    W, u, v = _operands(W, u=u, v=v)
    W_bar = np.empty_like(W)
    sigma = _spectral_norm(W, u, v, W_bar)
    return W_bar, W.dtype.type(sigma)


def spectral_norm_backward(dW_bar, W_bar, u, v, sigma):
    """dW = (dW̄ − ⟨dW̄, W̄⟩ u vᵀ) / σ                                                           Eq. (11.10)

    Optimizations: u vᵀ is never formed.
    """
    dW_bar, W_bar = alike(dW_bar, W_bar)
    dW_bar, u, v = _operands(dW_bar, u=u, v=v)
    dW = np.empty_like(dW_bar)
    _spectral_norm_backward(dW_bar, W_bar, u, v, dW.dtype.type(sigma), dW)
    return dW
