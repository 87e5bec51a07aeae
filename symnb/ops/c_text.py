"""An elementwise op's C text written out for one dtype, and the libm it calls.

A text names operands and dtype facts in braces: {x}, {y} the operands of the op,
{t} the C type, {f} the suffix of libm's functions ("f" or ""), {inf} and {nan} the
constants. Every other brace is C's. Used once per node of a kernel; a few us each.
An expression is assigned to a variable of the result's type and its operands are
variables, so a text may use them several times. Texts rely on -fwrapv.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from symnb.ops.define import Elementwise, dtype_class

_ONE = """acos acosh asin asinh atan atanh cbrt ceil cos cosh erf erfc exp exp2 expm1
    fabs floor j0 j1 log log10 log1p log2 rint round sin sinh sqrt tan tanh tgamma
    trunc"""
_TWO = "atan2 copysign fmod hypot nextafter pow"

# libm's functions that texts may call: name -> number of operands, all of one
# floating type. None has a side effect once errno is not set.
LIBM: dict[str, int] = (
    dict.fromkeys(_ONE.split(), 1) | dict.fromkeys(_TWO.split(), 2) | {"fma": 3}
)

C_TYPES = {
    "bool": "_Bool", "int8": "int8_t", "int16": "int16_t", "int32": "int32_t",
    "int64": "int64_t", "uint8": "uint8_t", "uint16": "uint16_t",
    "uint32": "uint32_t", "uint64": "uint64_t", "float32": "float",
    "float64": "double",
}  # fmt: skip

_PLACE = re.compile(r"\{(\w+)\}")
_NAME = re.compile(r"\b[a-z]\w*(?=\s*\()")


def _fill(text: str, places: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda found: places.get(found[1], found[0]), text)


def _facts(dtype: str) -> dict[str, str]:
    suffix = "f" if dtype == "float32" else ""
    return {
        "f": suffix,
        "t": C_TYPES[dtype],
        "inf": f"__builtin_inf{suffix}()",
        "nan": f'__builtin_nan{suffix}("")',
    }


def template(op: Elementwise, dtype: str) -> str:
    """The op's text for operands of `dtype` with its places; "" if it has none."""
    if isinstance(op.c, str):
        return op.c
    kind = dtype_class(dtype)
    return op.c.get(kind, op.c.get("else", ""))


def expression(op: Elementwise, dtype: str, operands: Sequence[str]) -> str:
    """The C expression of `op` over variables of the computed dtype; "" if none.

    dtype     of the last operand (`where` takes a bool first)
    operands  C variable names
    """
    places = dict(zip(op.operands, operands, strict=True))
    return _fill(template(op, dtype), _facts(dtype) | places)


def support(op: Elementwise, dtype: str) -> tuple[str, ...]:
    """The C functions the expression calls, in order; emit each text once."""
    if "symnb_" not in template(op, dtype):
        return ()
    return tuple(_fill(text, _facts(dtype)) for text in op.support)


def libm_calls(texts: Iterable[str]) -> dict[str, tuple[str, str]]:
    """libm functions called in C texts: name in C -> (its key in LIBM, C type)."""
    found: dict[str, tuple[str, str]] = {}
    for text in texts:
        for name in _NAME.findall(text):
            if name in LIBM:
                found[name] = (name, "double")
            elif name.endswith("f") and name[:-1] in LIBM:
                found[name] = (name[:-1], "float")
    return dict(sorted(found.items()))


def prototypes(texts: Iterable[str]) -> str:
    """Plain C declarations of the libm functions called in `texts`."""
    return "".join(
        f"{type} {name}({', '.join([type] * LIBM[key])});\n"
        for name, (key, type) in libm_calls(texts).items()
    )
