"""What the tests of structural ops share: values, views by index, derivatives.

Everything is computed a second way: a view element by element from its index map,
a vjp by finite differences of the NumPy reference and by the jvp.
"""

import itertools

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from symnb.core import dims, walk
from symnb.core.dims import symbol
from symnb.core.evaluate import evaluate
from symnb.core.node import Input, Node
from symnb.core.types import TensorType
from symnb.ops.define import View


def tensor(array, name="x", static=False) -> Node:
    """An input that fits `array`, with sizes unknown unless `static`."""
    array = np.asarray(array)
    sizes = [
        n if static else symbol(f"{name}{i}", 0) for i, n in enumerate(array.shape)
    ]
    return Input(TensorType(array.dtype.name, tuple(sizes)), name)


def tensors(arrays, static=False) -> list[Node]:
    return [tensor(a, "abcdefg"[i], static) for i, a in enumerate(arrays)]


def value(node, inputs=(), arrays=()):
    return evaluate([node], dict(zip(inputs, arrays, strict=True)))[0]


def sizes_of(inputs, arrays) -> dict:
    """The value of every size symbol of the inputs."""
    found = {}
    for x, array in zip(inputs, arrays, strict=True):
        for size, n in zip(x.type.shape, array.shape, strict=True):
            if not isinstance(size, int):
                found[size.atom] = n
    return found


def agrees(build, reference, *arrays) -> None:
    """`build` equals `reference`, bit for bit, static and symbolic; views by index."""
    with np.errstate(all="ignore"):
        expected = np.asarray(reference(*arrays))
    for static in (True, False):
        inputs = tensors(arrays, static)
        result = build(*inputs)
        found = value(result, inputs, arrays)
        np.testing.assert_array_equal(found, expected, strict=True)
        assert result.dtype == expected.dtype.name
        known = sizes_of(inputs, arrays)
        shape = [
            dims.evaluate(d, known) for d in result.type.shape if is_known(d, known)
        ]
        if len(shape) == expected.ndim:
            assert tuple(shape) == expected.shape
        check_views(result, inputs, arrays)


def is_known(dim, known) -> bool:
    return isinstance(dim, int) or dim.atoms() <= known.keys()


def check_views(result, inputs, arrays) -> None:
    """Every view in the graph of `result` is what its index map says."""
    given = dict(zip(inputs, arrays, strict=True))
    known = sizes_of(inputs, arrays)
    for node in walk.order([result]):
        if isinstance(node.op, View):
            inner, outer = evaluate([node.inputs[0], node], given)
            np.testing.assert_array_equal(by_index(node, inner, outer, known), outer)


def by_index(node, inner, outer, known):
    """The view built element by element from its index map."""
    places = tuple(dims.index(f"i{k}", d) for k, d in enumerate(node.type.shape))
    index = node.op.index(node, places)
    assert len(index) == inner.ndim
    built = np.empty_like(outer)
    for at in itertools.product(*map(range, outer.shape)):
        loop = {place.atom: i for place, i in zip(places, at, strict=True)}
        env = known | loop
        where = tuple(dims.evaluate(d, env) for d in index)
        assert all(0 <= i < n for i, n in zip(where, inner.shape, strict=True))
        built[at] = inner[where]
    return built


# ------------------------------------------------------------------- derivatives


def pullback(result, g, inputs) -> list:
    """Gradients of sum(g * result) by the ops' vjps; None where disconnected."""
    gradients = {result: g}
    for node in reversed(walk.order([result])):
        if node.op.kind == "pick" and node in gradients:
            _collect(gradients, node)
        if node not in gradients or node.is_leaf or node.op.vjp is None:
            continue
        parts = node.op.vjp(node, gradients[node], None)
        assert len(parts) == len(node.operands)
        for x, part in zip(node.operands, parts, strict=True):
            if part is not None:
                assert part.ndim == x.ndim and part.dtype == x.dtype
                old = gradients.get(x)
                gradients[x] = part if old is None else old + part
    return [gradients.get(x) for x in inputs]


def _collect(gradients, pick) -> None:
    """Hand the gradient of a pick to the node of several results it is taken from."""
    source, index = pick.inputs[0], pick.params[0]
    parts = gradients.setdefault(source, [None] * len(source.type))
    old = parts[index]
    parts[index] = gradients[pick] if old is None else old + gradients[pick]


def pushforward(result, tangents) -> Node | None:
    """The tangent of `result` by the ops' jvps."""
    known = dict(tangents)
    for node in walk.order([result]):
        if node in known or node.is_leaf:
            continue
        given = [known.get(x) for x in node.operands]
        if node.op.kind == "pick":
            known[node] = None if given[0] is None else given[0][node.params[0]]
            continue
        if node.op.jvp is not None and any(dx is not None for dx in given):
            dy = node.op.jvp(node, given)
            if dy is not None:
                known[node] = dy
    return known.get(result)


def check_derivatives(build, *arrays, step=1e-5, tolerance=1e-8) -> None:
    """vjp against central differences, and <g, J v> against <J' g, v>.

    Central differences of f err by step**2 |f'''| / 6 + eps |f| / step; for operands
    and derivatives of order 1, step 1e-5 makes both about 1e-10.
    """
    arrays = [np.asarray(a, "float64") for a in arrays]
    for static in (True, False):
        inputs = tensors(arrays, static)
        result = build(*inputs)
        base = value(result, inputs, arrays)
        random = np.random.default_rng(7)
        g = random.standard_normal(base.shape)
        cotangent = tensor(g, "g", static)
        gradients = pullback(result, cotangent, inputs)
        slopes = []
        for x, array, gradient in zip(inputs, arrays, gradients, strict=True):
            expected = differences(result, inputs, arrays, inputs.index(x), g, step)
            found = np.zeros(array.shape)
            if gradient is not None:
                given = (*inputs, cotangent)
                found = value(gradient, given, (*arrays, g))
            np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
            slopes.append(found)
        check_transpose(result, inputs, arrays, g, slopes, static)


def differences(result, inputs, arrays, at, g, step):
    """d sum(g * result) / d inputs[at] by central differences."""
    slope = np.zeros(arrays[at].shape)
    for place in np.ndindex(slope.shape):
        ends = []
        for sign in (1, -1):
            moved = [a.copy() for a in arrays]
            moved[at][place] += sign * step
            ends.append(np.sum(g * value(result, inputs, moved)))
        slope[place] = (ends[0] - ends[1]) / (2 * step)
    return slope


def check_transpose(result, inputs, arrays, g, slopes, static) -> None:
    random = np.random.default_rng(8)
    moves = [random.standard_normal(a.shape) for a in arrays]
    tangents = [tensor(v, f"d{i}", static) for i, v in enumerate(moves)]
    dy = pushforward(result, dict(zip(inputs, tangents, strict=True)))
    right = sum(float(np.sum(s * v)) for s, v in zip(slopes, moves, strict=True))
    if dy is None:
        assert right == 0
        return
    along = value(dy, (*inputs, *tangents), (*arrays, *moves))
    assert along.shape == g.shape
    np.testing.assert_allclose(np.sum(g * along), right, rtol=1e-9, atol=1e-9)


# -------------------------------------------------------------------- strategies

shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


def arrays(shape=shapes, dtype="int64"):
    """Arrays with distinct small integers, so that misplaced elements show."""
    made = shape if isinstance(shape, st.SearchStrategy) else st.just(shape)
    return made.map(
        lambda s: np.arange(1, 1 + int(np.prod(s))).reshape(s).astype(dtype)
    )


def axis_of(array):
    """An axis of the array, counted from either end."""
    return st.integers(-array.ndim, array.ndim - 1)
