"""`live(f)`: the inspector as an anywidget, for what needs a running kernel.

The same scripts as the saved page, plus one message each way: the page asks for a
fresh document (after profiled calls, say) and reports the selected node, so that
`w.selected` is a node of the optimised graph. Needs `pip install anywidget`; it is
imported only here, and never part of a function's own output, because a saved
notebook would show "model not found".
"""

from __future__ import annotations

from typing import Any

from symnb.errors import SymnbError
from symnb.viz.html import runtime
from symnb.viz.show import trace_document

MODULE = """
export default {
  render({ model, el }) {
    const place = document.createElement("div");
    el.replaceChildren(place);
    let app = null;
    const show = () => {
      const state = app ? app.state : null;
      app = new App(place, model.get("document"));
      if (state) app.go({ view: state.view, open: state.open });
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

        def refresh(self) -> None:
            """Show the function as it is now."""
            self.document = trace_document(function)

        def __repr__(self) -> str:
            return f"<inspector of {function.name}>"

    return Inspector(document=trace_document(function))
