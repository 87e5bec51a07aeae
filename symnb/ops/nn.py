"""What networks are written with: activations, normalised exponentials, losses.

All are compositions of ops, so the optimiser sees through them and fusion makes one
kernel of each. The exponentials are shifted by their maximum, which is held constant
for derivatives (its contribution is zero), so they do not overflow.
"""

from __future__ import annotations

from typing import Any

from symnb.core.node import Node
from symnb.core.types import ANY
from symnb.errors import RankError
from symnb.ops import reduce
from symnb.ops.barrier import consider_constant
from symnb.ops.cast import cast
from symnb.ops.create import iota
from symnb.ops.define import as_node, promoted
from symnb.ops.dot import dot
from symnb.ops.elementwise import (
    abs as absolute,
)
from symnb.ops.elementwise import (
    clip,
    equal,
    exp,
    expm1,
    greater,
    isfinite,
    log,
    log1p,
    reciprocal,
    relu,
    sigmoid,
    softplus,
    sqrt,
    tanh,
    where,
)
from symnb.ops.join import concatenate
from symnb.ops.sizes import normal_axes, size_of
from symnb.ops.sort import unique
from symnb.ops.special import erf
from symnb.ops.statistics import mean, var
from symnb.ops.view import expand_dims, shape_of, specify_shape, squeeze

# -------------------------------------------------------- normalised exponentials


def _float(x: Any) -> Node:
    return promoted([x], to_float=True)[0]


def _shifted(x: Node, axis: Any) -> Node:
    """x less its maximum along `axis`, which derivatives do not see."""
    return x - consider_constant(reduce.max(x, axis, keepdims=True))


def softmax(x: Any, axis: Any = -1) -> Node:
    """exp(x) / sum(exp(x)) along `axis`; rows of a matrix by default.

    NaN where a line has a NaN or inf, as (inf - inf) is.
    """
    e = exp(_shifted(_float(x), axis))
    return e / reduce.sum(e, axis, keepdims=True)


def log_softmax(x: Any, axis: Any = -1) -> Node:
    """log(softmax(x)) as (x - m) - log(sum(exp(x - m))), m the maximum.

    Error 1.4 ulp at +-20, where x - logsumexp(x) has 8.2.
    """
    shifted = _shifted(_float(x), axis)
    return shifted - log(reduce.sum(exp(shifted), axis, keepdims=True))


logsoftmax = log_softmax


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Node:
    """log(sum(exp(x))) along `axis`, without overflow.

    -inf where all entries are -inf, inf where one is inf.
    Source: Blanchard, Higham & Higham 2021, IMA J. Numer. Anal.
    """
    node = _float(x)
    top = consider_constant(reduce.max(node, axis, keepdims=True))
    shift = where(isfinite(top), top, 0.0)
    total = log(reduce.sum(exp(node - shift), axis, keepdims=True)) + shift
    if keepdims:
        return total
    axes = None if node.type is ANY else normal_axes(axis, node.ndim)
    return squeeze(total, axes)


# -------------------------------------------------------------------- activations


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Node:
    """`relu` with a small slope for negative x."""
    return relu(x, negative_slope)


def elu(x: Any, alpha: float = 1.0) -> Node:
    """x where positive, alpha * (exp(x) - 1) elsewhere.

    Source: Clevert, Unterthiner & Hochreiter 2016, ICLR.
    """
    node = _float(x)
    return where(greater(node, 0), node, alpha * expm1(clip(node, -800.0, 0.0)))


SELU_SCALE = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717


def selu(x: Any) -> Node:
    """Scaled elu that keeps mean 0 and variance 1.

    Source: Klambauer et al. 2017, NeurIPS, equation 14 for the two constants.
    """
    return SELU_SCALE * elu(x, SELU_ALPHA)


def silu(x: Any) -> Node:
    """x * sigmoid(x)."""
    node = _float(x)
    return node * sigmoid(node)


def gelu(x: Any, approximate: bool = False) -> Node:
    """x times the normal distribution function of x.

    approximate  Hendrycks & Gimpel's tanh form, arXiv 1606.08415, section 2
    """
    node = _float(x)
    if approximate:
        inner = 0.7978845608028654 * (node + 0.044715 * node * node * node)
        return 0.5 * node * (1 + tanh(inner))
    return 0.5 * node * (1 + erf(node * 0.7071067811865476))


def softsign(x: Any) -> Node:
    """x / (1 + |x|)."""
    node = _float(x)
    return node / (1 + absolute(node))


def hard_sigmoid(x: Any) -> Node:
    """0.2 x + 0.5 limited to [0, 1]: Theano's piecewise linear sigmoid."""
    return clip(_float(x) * 0.2 + 0.5, 0, 1)


# ------------------------------------------------------------------------- losses


def categorical_crossentropy(coding_dist: Any, true_dist: Any) -> Node:
    """-sum(true * log(coding)) over the last axis.

    true_dist  probabilities of the same rank, or the index of the true class per
               line (one axis less)
    """
    coding, true = as_node(coding_dist), as_node(true_dist)
    if true.ndim == coding.ndim:
        return -reduce.sum(true * log(coding), -1)
    if true.ndim != coding.ndim - 1:
        raise RankError(
            f"categorical_crossentropy of {coding.type} and {true.type}.\n"
            "Fix: give probabilities of the same rank, or class indices of one less."
        )
    return -_at_class(log(coding), true)


def _at_class(x: Node, index: Node) -> Node:
    """x[..., index[...]]: of each line the entry of its class, one of each line."""
    lead = shape_of(x)[:-1]
    places = [iota(lead, axis) for axis in range(len(lead))]
    return x[(*places, specify_shape(index, lead))]


def binary_crossentropy(output: Any, target: Any) -> Node:
    """-(target * log(output) + (1 - target) * log(1 - output)), elementwise."""
    p, t = promoted([output, target], to_float=True)
    return -(t * log(p) + (1.0 - t) * log1p(-p))


def sigmoid_binary_crossentropy(output: Any, target: Any) -> Node:
    """`binary_crossentropy(sigmoid(output), target)` from the logits, stable.

    softplus(-|x|) + x * ((x > 0) - t), as in Theano.
    """
    x, t = promoted([output, target], to_float=True)
    positive = cast(greater(x, 0), x.dtype)
    return softplus(-absolute(x)) + x * (positive - t)


def one_hot(y: Any, nb_class: Any, dtype: Any = None) -> Node:
    """A new last axis of size `nb_class`, 1 at the class y and 0 elsewhere.

    dtype  that of y by default; a class outside [0, nb_class) gives a line of zeros
    """
    node = as_node(y)
    classes = iota((nb_class,))
    return cast(equal(expand_dims(node, -1), classes), dtype or node.dtype)


def confusion_matrix(actual: Any, pred: Any) -> list[Node]:
    """[counts, labels]: counts[i, j] of actual label i predicted as label j.

    The labels are the sorted union of both vectors.
    """
    truth, guess = as_node(actual), as_node(pred)
    if truth.ndim != 1 or guess.ndim != 1:
        raise RankError("confusion_matrix takes two vectors of labels.")
    labels = unique(concatenate([truth, guess]))
    columns = [cast(equal(expand_dims(v, 1), labels), "int64") for v in (truth, guess)]
    return [dot(columns[0].T, columns[1]), labels]


# ------------------------------------------------------------------- normalisation


def batch_normalization(
    inputs: Any, gamma: Any, beta: Any, mean: Any, std: Any, mode: str = "low_mem"
) -> Node:
    """(inputs - mean) * (gamma / std) + beta.

    mode  Theano's choice of memory or speed; both are one kernel here
    """
    return (as_node(inputs) - mean) * (as_node(gamma) / std) + beta


def _axes(x: Node, axes: Any) -> tuple[int, ...]:
    """The axes that are averaged: Theano's "per-activation", "spatial", or a list."""
    if axes == "per-activation":
        return (0,)
    if axes == "spatial":
        return (0, *range(2, x.ndim))
    return tuple(sorted(normal_axes(axes, x.ndim)))


def batch_normalization_train(
    inputs: Any, gamma: Any, beta: Any, axes: Any = "per-activation",
    epsilon: float = 1e-4, running_average_factor: float = 0.1,
    running_mean: Any = None, running_var: Any = None,
) -> tuple[Node, ...]:  # fmt: skip
    """(output, mean, 1 / std) of a batch, then the new running mean and variance.

    axes          averaged over: "per-activation" (axis 0), "spatial" (all but axis
                  1), or a list
    running_mean  averages to be moved by `running_average_factor`; the variance
                  moves towards m / (m - 1) times that of the batch
    """
    x = _float(inputs)
    over = _axes(x, axes)
    middle, spread = mean(x, over, keepdims=True), var(x, over, keepdims=True)
    invstd = reciprocal(sqrt(spread + epsilon))
    gamma, beta = _as_parameter(gamma, middle), _as_parameter(beta, middle)
    results = [(x - middle) * (gamma * invstd) + beta, middle, invstd]
    keep, factor = 1 - running_average_factor, running_average_factor
    if running_mean is not None:
        results.append(_as_parameter(running_mean, middle) * keep + middle * factor)
    if running_var is not None:
        m = cast(size_of(x), x.dtype) / cast(size_of(middle), x.dtype)
        unbiased = spread * (m / (m - 1))
        results.append(_as_parameter(running_var, middle) * keep + unbiased * factor)
    return tuple(results)


def batch_normalization_test(
    inputs: Any, gamma: Any, beta: Any, mean: Any, var: Any,
    axes: Any = "per-activation", epsilon: float = 1e-4,
) -> Node:  # fmt: skip
    """gamma * (inputs - mean) / sqrt(var + epsilon) + beta with given statistics."""
    x = _float(inputs)
    over = _axes(x, axes)
    like = reduce.reduced(reduce.SUM, x, over, True)
    gamma, beta, mean, var = (_as_parameter(p, like) for p in (gamma, beta, mean, var))
    return (x - mean) * (gamma / sqrt(var + epsilon)) + beta


def _as_parameter(value: Any, like: Node) -> Node:
    """A parameter with the rank of `like`: axes of size 1 put back if left out."""
    node = cast(as_node(value), like.dtype)
    if node.ndim in (0, like.ndim):
        return node
    ones = tuple(i for i, one in enumerate(shape_of(like)) if one == 1)
    if node.ndim + len(ones) != like.ndim:
        raise RankError(
            f"a parameter {node.type} for statistics of {like.type}.\n"
            "Fix: give one value per axis that is not averaged."
        )
    return expand_dims(node, ones)
