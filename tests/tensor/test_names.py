"""`symnb.tensor` has every function it should, under NumPy's name for it."""

import inspect
import pkgutil
from importlib import import_module

import numpy as np
import pytest

import symnb.ops
import symnb.tensor as T
from symnb.core.op import Op

MUST = {
    "creation": """zeros ones full zeros_like ones_like full_like empty empty_like eye
        identity arange linspace tri tril triu diag constant as_tensor alloc fill
        scalar vector matrix row col tensor3 tensor4 tensor atleast_1d atleast_2d
        meshgrid""",
    "elementwise": """add sub mul true_div floor_div mod divmod neg abs sign pow sqrt
        square reciprocal exp exp2 expm1 log log2 log10 log1p softplus log1mexp
        logaddexp clip maximum minimum where round ceil floor trunc cast""",
    "trig": """sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh
        arctanh""",
    "comparison": """equal not_equal less less_equal greater greater_equal isnan isinf
        isfinite isclose allclose logical_and logical_or logical_xor logical_not
        bitwise_and bitwise_or bitwise_xor bitwise_not all any""",
    "special": """sigmoid erf erfc erfinv gamma gammaln digamma trigamma betaln beta
        xlogx xlogy0 logit expit softmax log_softmax logsumexp""",
    "reductions": """sum prod mean var std max min argmax argmin max_and_argmax all any
        norm cumsum cumprod logsumexp""",
    "shape": """reshape flatten ravel squeeze expand_dims transpose swapaxes moveaxis
        dimshuffle broadcast_to broadcast_arrays broadcast_shape stack concatenate join
        split tile repeat roll flip shape specify_shape shape_padleft shape_padright
        pad""",
    "sort": "sort argsort topk argtopk unique bincount searchsorted",
    "indexing": """set_subtensor inc_subtensor take take_along_axis nonzero flatnonzero
        diagonal fill_diagonal choose compress where to_one_hot""",
}


@pytest.mark.parametrize("group", MUST)
def test_every_must_name_is_there(group: str) -> None:
    missing = [name for name in MUST[group].split() if not callable(vars(T).get(name))]
    assert missing == []


# Functions of symnb.ops that serve other ops, not users.
INNER = """
    accumulated arranged basic contract dispatched embed expression fitted
    full_index gather gather_index gathered getitem index iota libm_calls
    mask_places norm_method normal_axes normal_axis operands places_of product
    protect prototypes quotient read read_index reduced reshape_method restore_axes
    same_view scatter scatter_index set_slice shape_of size_of sized slice_axis
    slice_by sliced sliced_shape span_of specify_like split_by static_length
    sum_to_shape support template unflatten view wide differ equal_pairs fill_in
    as_sizes positive_atoms prod_of_sizes positive copy divide_with_remainder power
    round_away as_node promoted broadcast_sizes broadcast_pairs assert_
    exception_class gammainc_da dtype_class elementwise reduced_shape convolve
    pads_of windows_of counts_of
"""


# Modules whose functions are for other ops only, or methods of an object (random).
INNER_MODULES = {
    "special_c", "c_text", "define", "sizes", "getitem", "index", "distributions",
    "elimination", "gemm", "philox", "random", "pick", "triangular", "windows", "lu",
    "pivots",
}  # fmt: skip


def _offered() -> set[str]:
    """Names in symnb.tensor and in its modules (nnet, nlinalg, ...)."""
    parts = pkgutil.iter_modules(T.__path__)
    modules = [T, *(import_module(f"symnb.tensor.{part.name}") for part in parts)]
    return {name for module in modules for name in vars(module)}


def test_nothing_public_of_ops_is_forgotten() -> None:
    forgotten, inner, offered = [], INNER.split(), _offered()
    for item in pkgutil.iter_modules(symnb.ops.__path__):
        if item.name in INNER_MODULES or item.name not in vars(symnb.ops):
            continue
        module = import_module(f"symnb.ops.{item.name}")
        for name, value in vars(module).items():
            own = inspect.isfunction(value) and value.__module__ == module.__name__
            is_op = isinstance(value, Op) and value.name == name
            known = name.startswith("_") or name.isupper() or name in inner
            if (own or is_op) and not known and name not in offered:
                forgotten.append(f"{item.name}.{name}")
    assert forgotten == []


ONE_OPERAND = (
    "abs arccos arcsin arctan arctanh cbrt ceil cos cosh deg2rad exp exp2 expm1 floor "
    "isfinite isinf isnan log log10 log1p log2 max mean min prod ptp rad2deg ravel "
    "reciprocal round sign signbit sin sinc sinh sqrt square std sum tan tanh trunc "
    "var cumsum cumprod diff flip argmax argmin all any"
)


def test_functions_with_a_numpy_name_do_what_numpy_does() -> None:
    # one-operand functions, on numbers in every domain
    x = np.array([0.25, 0.5, 0.75])
    v = T.dvector("v")
    for name in ONE_OPERAND.split():
        got = getattr(T, name)(v).eval({v: x})
        want = getattr(np, name)(x)
        np.testing.assert_allclose(got, want, rtol=1e-14, err_msg=name)
