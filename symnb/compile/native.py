"""A function that runs as compiled C: `Function` on top of the runtime's `Call`.

Imported when the first function is compiled, because the runtime builds (or loads)
its dispatcher on import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symnb.compile import specialise as special
from symnb.compile.compiled import Function, keyed
from symnb.compile.request import Request
from symnb.compile.runtime.call import Call
from symnb.compile.variant import Variant
from symnb.optim.mode import Mode

if TYPE_CHECKING:
    from symnb.compile.story import Story


class NativeFunction(Call, Function):
    """A function run as compiled C."""

    def __init__(
        self, request: Request, mode: Mode, allow_downcast: bool | None = None
    ) -> None:
        self._start(request, mode, allow_downcast)
        graph = request.graph
        facts = special.shared_facts(graph)
        _ = self._fixed
        self.variant = Variant(special.specialise(graph, facts), mode)
        super().__init__(self.variant.spec(self.labels, request.returns))

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
        if found is not self:
            found.threads = self.threads
        return found

    def _remade(self, request: Request) -> Any:
        return make_native(request, self.mode, self.allow_downcast, self.threads)

    def __reduce__(self) -> tuple[Any, ...]:
        options = self.mode, self.allow_downcast, self.threads
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
) -> Any:
    """The compiled function for a request."""
    kind = KeyedFunction if request.keys is not None else NativeFunction
    made = kind(request, mode, allow_downcast)
    made.threads = threads
    return made
