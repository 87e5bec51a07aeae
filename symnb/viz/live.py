"""`live(f)`: the inspector as an anywidget, for what needs a running kernel.

The same scripts as the saved page, plus messages: the page asks for what costs time
(the evidence of a rule, the error after each firing of a pass) and reports the
selected row. `refresh()` shows a function as it is now, after profiled calls, say.
Needs `pip install anywidget`; it is imported only here, and never part of a function's
own output, because a saved notebook would show "model not found".
"""

from __future__ import annotations

from typing import Any

from symnb.errors import SymnbError
from symnb.optim.verify import evidence_of
from symnb.viz.document import story_rules
from symnb.viz.html import runtime
from symnb.viz.rules import known_evidence
from symnb.viz.show import trace_document
from symnb.viz.story import story_of

MODULE = """
export default {
  render({ model, el }) {
    const place = document.createElement("div");
    el.replaceChildren(place);
    let app = null;
    const show = () => {
      const state = app ? app.state : null;
      app = new App(place, model.get("document"));
      app.ask = (what) => model.send(what);
      if (state) {
        const { view, open, pass, event, tab } = state;
        app.go({ view, open, pass });
        app.go({ event, tab });
      }
      const go = app.go.bind(app);
      app.go = (change) => {
        go(change);
        if (change.sel !== undefined) {
          model.set("row", change.sel === null ? -1 : change.sel);
          model.save_changes();
        }
      };
    };
    show();
    model.on("change:document", show);
    return () => model.off("change:document", show);
  },
};
"""


def live(function: Any) -> Any:
    """A widget that shows `function`; call `.refresh()` after profiled calls.

    Raises SymnbError where anywidget is not installed.
    """
    try:
        import anywidget
        import traitlets
    except ImportError:
        raise SymnbError(
            "the live inspector needs anywidget.\n"
            "Fix: pip install anywidget, or show the function itself: it needs nothing."
        ) from None

    class Inspector(anywidget.AnyWidget):  # pyright: ignore
        _esm = runtime() + MODULE
        document = traitlets.Dict().tag(sync=True)
        row = traitlets.Int(-1).tag(sync=True)

        def __init__(self) -> None:
            self.measured: dict[Any, Any] = {}
            super().__init__(document=trace_document(function))
            self.on_msg(lambda _, asked, __: self.answer(asked))

        def refresh(self) -> None:
            """Show the function as it is now."""

            def seen(rule: Any) -> Any:
                return self.measured.get(rule) or known_evidence(rule)

            self.document = trace_document(function, evidence=seen)

        def answer(self, asked: dict[str, Any]) -> None:
            """Find out what the page asks for: {"evidence": rule number} measures the
            rule, {"firings": pass name} runs the checked inputs through each firing.
            """
            if "evidence" in asked:
                rule = rules_of(function)[int(asked["evidence"])]
                self.measured[rule] = evidence_of(rule)
            elif "firings" in asked and function.last_check is not None:
                function.last_check.firings(str(asked["firings"]))
            self.refresh()

        def __repr__(self) -> str:
            return f"<inspector of {function.name}>"

    return Inspector()


def rules_of(function: Any) -> list[Any]:
    """The rules that fired, in the order of the document's table of rules."""
    return list(story_rules(story_of(function)))
