// The sections of the opened inspector: header, graph, event bar, lineage, right-hand panes.

class Views extends Shell {
  fillOpen() {
    const { at, state, model } = this;
    this.section(at.head, [state.view, state.colour], () => [
      this.logo(),
      this.signature(),
      h(
        "div.seg",
        { role: "tablist" },
        VIEWS.filter((v) => this.has(v)).map((v) =>
          h(
            "button",
            {
              role: "tab",
              "data-symnb-view": v,
              "aria-selected": String(v === state.view),
              onclick: () => this.go({ view: v }),
            },
            cap(v),
          ),
        ),
      ),
      h("span.grow"),
      h("span.mut.s12.opt", "colour by"),
      h(
        "select.opt",
        { "aria-label": "colour by", onchange: (e) => this.go({ colour: e.target.value }) },
        ["state", "source", "time"]
          .filter((c) => c !== "time" || model.ns.size)
          .map((c) => h("option", { value: c, selected: c === state.colour }, c)),
      ),
      h("input.find", {
        placeholder: "find node",
        "aria-label": "find node",
        value: state.find,
        oninput: (e) => this.find(e.target.value),
      }),
      h("button.btn", { "aria-label": "keys", onclick: () => this.go({ help: !state.help }) }, "?"),
      h(
        "button.btn.opt",
        {
          "aria-label": "full screen",
          onclick: () =>
            document.fullscreenElement ? document.exitFullscreen() : this.root.requestFullscreen(),
        },
        s(
          "svg",
          { width: 11, height: 11 },
          s("path", { d: "M1 4V1h3M7 1h3v3M10 7v3H7M4 10H1V7", fill: "none", stroke: "currentColor" }),
        ),
      ),
      h("button.btn", { "aria-label": "close", onclick: () => this.go({ open: false }) }, "×"),
    ]);
    this.section(at.help, [state.help], () =>
      state.help
        ? h(
            "div.help",
            { role: "dialog", "aria-label": "keys" },
            KEYS.map(([k, t]) => [
              h(
                "span",
                k.split(" ").map((x) => [h("kbd", x), " "]),
              ),
              h("span", t),
            ]),
          )
        : [],
    );
    if (at.list) {
      const { scrollTop } = at.list.querySelector(".scroll") || {};
      this.section(at.list, [state.pass, state.all, state.view], () => drawPasses(this));
      this.showSelected(at.list.querySelector(".scroll"), scrollTop || 0);
    }
    if (at.graph) this.graph();
    if (state.view === "passes") this.passRight();
    if (state.view === "kernels") this.kernelRight();
    if (state.view === "profile")
      this.section(at.right, [state.kernel, state.sel], () => [
        h("div.phead", h("b", "Kernels"), h("span.mut", `${model.kernels.length} kernels`)),
        h("div.scroll", drawProfile(this)),
      ]);
    if (at.memory) this.section(at.memory, [1], () => drawMemory(this));
    const names =
      {
        passes: ["Passes", "Graph", "Rule"],
        kernels: ["Passes", "Graph", "Kernel"],
        profile: ["Graph", "Times"],
      }[state.view] || [];
    const cols = [at.list, at.graph, at.right].filter(Boolean);
    const active = Math.min(state.view === "profile" ? state.pane - 1 : state.pane, cols.length - 1);
    this.section(at.narrow, [state.pane, state.view], () =>
      names.map((n, i) =>
        h(
          "button",
          {
            role: "tab",
            "aria-selected": String(i === Math.max(0, active)),
            onclick: () => this.go({ pane: state.view === "profile" ? i + 1 : i }),
          },
          n,
        ),
      ),
    );
    if (state.view === "memory") at.memory.classList.add("on");
    cols.forEach((c, i) => c.classList.toggle("on", i === Math.max(0, active)));
  }

  /** The pass whose picture is shown: in the kernel and profile views the last one. */
  shownPass() {
    const { model, state } = this;
    let i = state.view === "passes" ? state.pass : model.passes.length - 1;
    while (i > 0 && !model.passes[i].picture) i--;
    return i;
  }

  graph() {
    const { at, state, model } = this,
      index = this.shownPass(),
      pass = model.passes[index],
      pic = pass.picture;
    const changing = state.view === "passes";
    this.section(
      at.graph,
      [
        index,
        changing && state.mode,
        state.colour,
        changing && state.event,
        state.zoom,
        state.kernel * (state.view === "profile"),
        state.view === "kernels" && state.sel,
      ],
      () => {
        if (!pic) return h("div.sec.mut", "This pass has no picture.");
        const title = state.view === "profile" ? "Self time" : changing ? pass.name : "Kernels";
        const head = h(
          "div.phead",
          h("b", title),
          h(
            "span.mut.opt",
            changing
              ? `${pass.nodes[0]} → ${many(pass.nodes[1], "node")}` + (pic.of ? `, near the changes` : "")
              : `${many(model.kernels.length, "kernel")}, ${many(pass.nodes[1], "node")}`,
          ),
          h("span.grow"),
          changing
            ? h(
                "div.seg",
                { role: "tablist" },
                MODES.map((m, i) =>
                  h(
                    "button" + (i > 2 ? ".opt2" : ""),
                    {
                      role: "tab",
                      "data-symnb-mode": m,
                      "aria-selected": String(state.mode === m),
                      onclick: () => this.go({ mode: m }),
                    },
                    MODE_NAMES[m],
                  ),
                ),
              )
            : null,
          h("button.btn.opt", { "aria-label": "zoom out", onclick: () => this.zoom(1 / 1.2) }, "−"),
          (this.at.zoom = h("span.mono.mut.s11.opt")),
          h("button.btn.opt", { "aria-label": "zoom in", onclick: () => this.zoom(1.2) }, "+"),
          h(
            "button.btn.opt",
            { "aria-label": "save the drawing as SVG", onclick: () => this.exportSvg() },
            "svg",
          ),
        );
        const modes =
          changing && state.mode === "side" ? ["before", "after"] : [changing ? state.mode : "after"];
        const views = modes.map((mode) => h("div.view", draw(pic, model, this.how(pass, mode))));
        this.views = views;
        views.forEach((v) => {
          this.pan(v);
          v.addEventListener("scroll", () =>
            views.forEach((o) => {
              if (o !== v) {
                o.scrollTop = v.scrollTop;
                o.scrollLeft = v.scrollLeft;
              }
            }),
          );
        });
        requestAnimationFrame(() => this.size(pic));
        return [head, h("div.pane", views), h("div.foot", this.legend(pass))];
      },
    );
    if (changing) this.eventBar(pass);
  }

  /** Scroll a redrawn list to where it was, or as far as shows its selected row. */
  showSelected(list, top) {
    const row = list.querySelector("[aria-selected=true]");
    if (row) top = Math.min(row.offsetTop, Math.max(top, row.offsetTop + row.offsetHeight - list.clientHeight));
    list.scrollTop = top;
  }

  /** How to draw a pass in a mode. */
  how(pass, mode) {
    const { model, state } = this,
      changing = state.view === "passes";
    const most = Math.max(1, ...model.ns.values());
    const e = state.event ? model.events(pass)[state.event - 1] : null;
    const heat =
      state.colour === "time"
        ? (row) => (model.ns.has(row) ? [heatStep(model.ns.get(row), most), time(model.ns.get(row))] : null)
        : null;
    const steps = new Map(((model.doc.profile || {}).steps || []).map((x) => [x[0], x[1]]));
    const top = Math.max(1, ...steps.values());
    return {
      mode: changing ? mode : "after",
      state: changing ? model.states(pass) : new Map(),
      merged: pass.merged,
      colour: changing || state.colour !== "state" ? state.colour : "source",
      heat,
      boxHeat: heat && ((t) => (steps.has(t) ? [heatStep(steps.get(t), top), time(steps.get(t))] : null)),
      title: `graph of pass ${pass.name}`,
      event:
        changing && e !== null ? { match: model.matched(pass, e), bind: model.doc.events.bind[e] } : null,
      pick: (row) => this.go({ sel: row }),
      over: (rows) => this.over(rows),
    };
  }

  /** The legend: state counts, numbered sources or the heat scale. */
  legend(pass) {
    const { model, state } = this;
    if (state.view === "profile" || state.colour === "time")
      return [
        h("span", "0"),
        h(
          "span",
          [0, 1, 2, 3, 4].map((i) => h("span.bar.hb" + i, { style: "width:24px" })),
        ),
        h(
          "span",
          `${time(Math.max(0, ...model.ns.values()))} self time; ops inside a kernel are ${(model.doc.profile || {}).method || "measured"}`,
        ),
      ];
    if (state.view === "kernels" || state.colour === "source") {
      const seen = new Map();
      for (const [span, n] of model.source) if (!seen.has(n)) seen.set(n, model.lineName(span));
      return [...seen]
        .slice(0, 10)
        .map(([n, text]) => h("span", h(`span.chip.c${((n - 1) % 8) + 1}`, String(n)), " ", text));
    }
    const box = (cls, glyph) =>
      s(
        "svg",
        { width: 24, height: 16 },
        s(
          "g",
          { class: "n " + cls },
          outline(glyph === null ? cls : "op", 12, 1.5, 22, 13),
          glyph ? s("text", { class: "sm", x: 12, y: 12, "text-anchor": "middle" }, glyph) : null,
        ),
      );
    const names = ["added", "removed", "rewired", "merged"];
    return [
      names.map((n, i) =>
        pass.counts[i] ? h("span.st-" + n, box(n, GLYPH[n]), h("b", String(pass.counts[i])), " " + n) : null,
      ),
      h("span.grow"),
      h("span.opt", box("input", null), "input"),
      h("span.opt", box("shared", null), "shared"),
      h("span.opt", box("constant", null), "constant"),
      h("span.opt", box("copy", ""), "cut edge"),
    ];
  }

  eventBar(pass) {
    const { at, state, model } = this,
      numbers = model.events(pass),
      n = numbers.length;
    const to = (k) => () => this.go({ event: Math.max(0, Math.min(n, k)) });
    this.section(at.evbar, [state.pass, state.event], () => {
      const e = state.event ? numbers[state.event - 1] : null,
        { rule, old, new: made, kind } = model.doc.events;
      const name = (i) => (rule[i] >= 0 ? model.doc.rules[rule[i]].name : kind[i]);
      const next = numbers[state.event];
      return [
        h("span.mut", "Rewrite"),
        h("button.btn", { "aria-label": "first", onclick: to(n ? 1 : 0) }, "⇤"),
        h("button.btn", { "aria-label": "previous", onclick: to(state.event - 1) }, "‹"),
        h("input.opt2", {
          type: "range",
          min: 0,
          max: n,
          value: state.event,
          "aria-label": "firing",
          oninput: (ev) => this.go({ event: +ev.target.value }),
        }),
        h("button.btn", { "aria-label": "next", onclick: to(state.event + 1) }, "›"),
        h("button.btn", { "aria-label": "last", onclick: to(n) }, "⇥"),
        h("span.num", { "data-symnb-event": state.event }, `${state.event}/${n}`),
        e !== null
          ? [
              h("b", name(e)),
              h("span.mut", `${model.title(old[e])} → ${model.title(made[e])}`),
              model.firingCheck(pass, state.event),
            ]
          : null,
        next !== undefined ? h("span.mut.opt2", `next: ${name(next)}, ${model.title(old[next])}`) : null,
        h("span.grow"),
        h("kbd.opt2", "h"),
        h("kbd.opt2", "l"),
      ];
    });
    this.section(at.lin, [state.sel, state.pass], () =>
      state.sel === null
        ? h("span.mut", "Lineage: select a node")
        : [
            h("span.mut", `Lineage of n${state.sel}`),
            model
              .lineage(state.sel, state.pass)
              .map(([text, change, here], i) => [
                i ? h("span.mut", "›") : null,
                h(here ? "button.lnk.b" : "button", { onclick: () => this.go(change) }, text),
              ]),
          ],
    );
  }

  tabs(names, key, end) {
    return h(
      "div.tabs",
      { role: "tablist" },
      names.map((n) =>
        h(
          "button",
          {
            role: "tab",
            "data-symnb-tab": n,
            "aria-selected": String(this.state[key] === n),
            onclick: () => this.go({ [key]: n }),
          },
          cap(n),
        ),
      ),
      end ? h("span.end", end) : null,
    );
  }

  how2() {
    return { over: (rows) => this.over(rows), pick: (rows) => this.pick(rows) };
  }

  /** Node, rule or check above, source or kernel below. */
  passRight() {
    const { at, state, model } = this;
    if (!at.top) {
      at.top = h("div", { style: "display:flex;flex-direction:column;flex:1 1 60%;min-height:0" });
      at.low = h("div", {
        style:
          "display:flex;flex-direction:column;flex:1 1 40%;min-height:0;border-top:1px solid var(--line)",
      });
      at.right.append(at.top, at.low);
    }
    const draws = { node: drawNodePane, rule: drawRulePane, check: drawCheckPane, text: drawTextPane };
    this.section(at.top, [state.tab, state.pass, state.event, state.sel], () => [
      this.tabs(["node", "rule", "check", "text"], "tab", state.tab === "text" ? "diff" : ""),
      h("div.scroll", draws[state.tab](this)),
    ]);
    this.lower(at.low, ["source", "kernel", "decisions"]);
  }

  lower(place, names) {
    const { state, model } = this,
      tab = names.includes(state.tab2) ? state.tab2 : names[0];
    const sources = model.doc.sources;
    const span = state.sel === null ? undefined : model.doc.nodes.spans[state.sel][0];
    const which = tab === "source" && span !== undefined ? model.doc.spans[span][0] : 0;
    this.section(
      place,
      [tab, tab === "kernel" && state.kernel, which, tab === "decisions" && state.view],
      () => [
        this.tabs(
          names,
          "tab2",
          tab === "kernel" && model.kernels[state.kernel]
            ? model.kernels[state.kernel].name
            : tab === "source" && sources[which]
              ? sources[which].name
              : "",
        ),
        h(
          "div.scroll",
          tab === "source"
            ? sources.length
              ? drawSource(model, which, this.how2())
              : h("div.sec.mut", "The source text is not known.")
            : tab === "kernel"
              ? model.kernels.length
                ? drawKernel(model, state.kernel, this.how2())
                : h("div.sec.mut", "No kernel was generated.")
              : drawDecisions(this),
        ),
      ],
    );
  }

  kernelRight() {
    const { at, state, model } = this;
    if (!at.top) {
      at.top = h("div", { style: "display:flex;flex-direction:column;flex:1 1 68%;min-height:0" });
      at.low = h("div", {
        style:
          "display:flex;flex-direction:column;flex:1 1 32%;min-height:0;border-top:1px solid var(--line)",
      });
      at.right.append(at.top, at.low);
    }
    this.section(at.top, [state.kernel], () => {
      const kernel = model.kernels[state.kernel];
      return [
        h(
          "div.tabs",
          { role: "tablist" },
          model.kernels.map((k, i) =>
            h(
              "button",
              {
                role: "tab",
                "data-symnb-kernel": k.name,
                "aria-selected": String(i === state.kernel),
                onclick: () => this.go({ kernel: i }),
              },
              k.name,
            ),
          ),
          h(
            "button.end.lnk",
            { onclick: () => navigator.clipboard && navigator.clipboard.writeText(kernel.text) },
            "copy",
          ),
        ),
        h(
          "div.phead.mut",
          many(kernel.nodes.length, "op"),
          h("span", kernel.note || ""),
          h("span.grow"),
          h("span.opt", model.doc.meta.compiler || ""),
        ),
        h("div.scroll", drawKernel(model, state.kernel, this.how2())),
        h(
          "div",
          { style: "border-top:1px solid var(--line);max-height:92px;overflow:auto;flex:none" },
          drawDecisions(this, kernel.nodes),
        ),
      ];
    });
    const tab = at.top.querySelector("[data-symnb-kernel][aria-selected=true]"),
      tabs = tab.parentNode;
    if (
      tab.offsetLeft < tabs.scrollLeft ||
      tab.offsetLeft + tab.offsetWidth > tabs.scrollLeft + tabs.clientWidth
    )
      tabs.scrollLeft = tab.offsetLeft - 60;
    this.lower(at.low, ["source", "decisions"]);
  }
}
