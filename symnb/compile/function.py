"""`function`: a symbolic graph becomes something to call, and to look inside.

The object a user holds is the C call itself (`runtime.call.Call`) with `Function`
behind it: a call that fits goes straight to compiled code, every other one to
`fallback`.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from symnb.compile.compiled import Function
from symnb.compile.request import Request, Updates, make_request
from symnb.compile.runtime import dispatch
from symnb.errors import NoCompilerError
from symnb.optim.mode import Mode, get_mode
from symnb.options import FIRST_ANSWERS, config


def function(
    inputs: Sequence[Any],
    outputs: Any = None,
    mode: Any = None,
    updates: Updates = (),
    givens: Any = None,
    no_default_updates: bool | Sequence[Any] = False,
    accept_inplace: bool = False,
    name: str | None = None,
    rebuild_strict: bool = True,
    allow_input_downcast: bool | None = None,
    profile: bool | None = None,
    on_unused_input: str | None = None,
    trust_input: bool = False,
    threads: int | None = None,
    first_answers: str | None = None,
) -> Function:
    """A function computing `outputs` from `inputs`.

    inputs   input tensors, or `In` objects
    outputs  a tensor, a list or dict of tensors, or None
    updates  (shared, new value) pairs or a dict; simultaneous, after the outputs
    givens   tensor -> tensor to use in its place
    mode     the name of a preset (o1 .. o4, FAST_RUN, FAST_COMPILE, strict, unsafe,
             debug, None), a Mode or a Pipeline; default `config.mode`
    name     shown in messages and the inspector
    profile  time every step of every call
    allow_input_downcast  cast arguments even where digits are lost
    on_unused_input       raise | warn | ignore
    threads  of its loops and products; None: `config.threads` at each call. May be
             changed later, as `f.threads`.
    first_answers  "reference": while a larger function compiles, NumPy answers its
             calls, which `f.tier` tells; "compiled": they wait. None: as configured

    Returns a Function; a call gives one array, a list, a dict or None, as `outputs`
    was. Raises GraphError, ArgumentError, BuildError, ValueError.
    """
    if isinstance(outputs, Mapping) and not outputs:
        outputs = None
    if first_answers not in (None, *FIRST_ANSWERS):
        raise ValueError(f"first_answers is one of {FIRST_ANSWERS}, or None")
    if config.device == "c":
        dispatch.start()  # built once a machine, beside the optimiser's work
    with config.change(compute_test_value="off"):
        request = make_request(
            inputs, outputs, updates or (), givens, no_default_updates,
            on_unused_input, name or "f",
        )  # fmt: skip
        made = build_function(
            request, get_mode(mode), allow_input_downcast, first_answers
        )
    if config.profile if profile is None else profile:
        made.profiling = True
    if threads is not None:
        made.threads = threads
    return made


def build_function(
    request: Request,
    mode: Mode,
    allow_downcast: bool | None = None,
    first_answers: str | None = None,
) -> Any:
    """The callable for a request: compiled C, or the reference without a compiler."""
    if config.device == "c" and mode.device in (None, "c"):
        try:
            # Importing it loads (or builds) the dispatcher: not before it is needed.
            from symnb.compile.native import make_native

            return make_native(
                request, mode, allow_downcast, first_answers=first_answers
            )
        except NoCompilerError as error:
            warnings.warn(
                f"{request.graph.name} runs by its NumPy reference: {error}",
                RuntimeWarning,
                stacklevel=3,
            )
    from symnb.compile.reference import ReferenceFunction

    return ReferenceFunction(request, mode, allow_downcast)


__all__ = ["Function", "function"]
