"""A function that runs as compiled C: `Function` on top of the runtime's `Call`.

Imported when the first function is compiled, because the runtime builds (or loads)
its dispatcher on import.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from symnb.compile import specialise as special
from symnb.compile.background import is_answered_first
from symnb.compile.compiled import Function, keyed
from symnb.compile.evaluation import GraphCall
from symnb.compile.request import Request
from symnb.compile.runtime.call import Call, is_native
from symnb.compile.variant import Variant
from symnb.optim.mode import Mode
from symnb.optim.trace import Decision

if TYPE_CHECKING:
    from symnb.compile.profile import Profile
    from symnb.compile.story import Story

_switching = threading.RLock()


class NativeFunction(Call, Function):
    """A function run as compiled C.

    While its first compile runs in the background, NumPy answers: the call is then
    bound to nothing, so every call takes the slow path, which looks whether it is done.
    """

    def __init__(
        self,
        request: Request,
        mode: Mode,
        allow_downcast: bool | None = None,
        first_answers: str | None = None,
    ) -> None:
        self._start(request, mode, allow_downcast)
        self.first_answers = first_answers
        self._answering: GraphCall | None = None
        graph = request.graph
        facts = special.shared_facts(graph)
        _ = self._fixed
        waits = not is_native or not is_answered_first(graph, first_answers)
        self.variant = Variant(special.specialise(graph, facts), mode, not waits)
        if self.variant.pending is None:
            self._bind()
        else:
            optimised = self.variant.story.optimised
            self._answering = GraphCall(optimised, request.returns)

    def _bind(self) -> None:
        """From now on calls enter compiled code."""
        super().__init__(self.variant.spec(self.labels, self.request.returns))

    # ---- answered by the reference first

    @property
    def tier(self) -> str:
        """What answers: "compiled", or "reference" until the compiled code is used."""
        return "compiled" if self._answering is None else "reference"

    def wait(self) -> None:
        """Returns when the compiled code answers. Raises BuildError."""
        with _switching:
            answering = self._answering
            if answering is None:
                return
            seconds = self.variant.seconds
            self._bind()
            self._answering = None
        why = f"NumPy answered the first {answering.calls} calls meanwhile"
        row = Decision("tier", self.name, f"compiled in {seconds:.2f} s", why)
        self.decisions.append(row)

    def fallback(self, *args: Any, **kwargs: Any) -> Any:
        """A call that did not fit the fast path, or came before the compiled code."""
        pending = self.variant.pending
        if self._answering is not None and (pending is None or pending.is_done):
            self.wait()
        return super().fallback(*args, **kwargs)

    @property
    def profile(self) -> Profile:
        """Time per step and node of the profiled calls; of compiled code only."""
        self.wait()
        return super().profile

    def __repr__(self) -> str:
        text = super().__repr__()
        return text if self._answering is None else f"{text[:-1]}, compiling>"

    @property
    def story(self) -> Story:
        """Everything the compile of the default variant did."""
        return self.variant.story

    def _variant(self, facts: special.Facts, moved: bool) -> Any:
        self._note_variant(facts, moved)
        graph = self.graph
        given = dict(facts) if moved else {**special.shared_facts(graph), **facts}
        variant = Variant(special.specialise(graph, given), self.mode)
        return Call(variant.spec(self.labels, self.request.returns))

    def _fitting(self, arrays: tuple[Any, ...]) -> Any:
        found = super()._fitting(arrays)
        if found is self:
            return self._answering or self
        found.threads = self.threads
        return found

    def _remade(self, request: Request) -> Any:
        options = self.mode, self.allow_downcast, self.threads, self.first_answers
        return make_native(request, *options)

    def __reduce__(self) -> tuple[Any, ...]:
        options = self.mode, self.allow_downcast, self.threads, self.first_answers
        return make_native, (self.request, *options)


class KeyedFunction(NativeFunction):
    """A function whose outputs were asked for as a dict."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs by name."""
        return keyed(self.request, super().__call__(*args, **kwargs))


def make_native(
    request: Request,
    mode: Mode,
    allow_downcast: bool | None,
    threads: int | None = None,
    first_answers: str | None = None,
) -> Any:
    """The compiled function for a request."""
    kind = KeyedFunction if request.keys is not None else NativeFunction
    made = kind(request, mode, allow_downcast, first_answers)
    made.threads = threads
    return made
