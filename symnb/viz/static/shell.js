// The inspector: one state object, drawn by sections that are redrawn only when what they
// depend on changed; one selection (hover is transient, click pins) shared by all panes.

const VIEWS = ["passes", "kernels", "profile", "memory"];
const MODES = ["diff", "before", "after", "side"];
const MODE_NAMES = { diff: "Diff", before: "Before", after: "After", side: "Side by side" };
const KEYS = [
  ["j k", "next, previous pass"],
  ["l h", "next, previous firing"],
  ["1 2 3 4", "diff, before, after, side by side"],
  ["/", "find a node"],
  ["n N", "next, previous hit"],
  ["f", "fit"],
  ["+ −", "zoom"],
  ["Esc", "clear, then close"],
  ["?", "these keys"],
];

class Shell {
  /** @param {HTMLElement} host element that gets the shadow root  @param {any} doc trace document
   *  @param {Function} [page] text of a page that shows the same */
  constructor(host, doc, page) {
    this.page = page;
    this.model = new Model(doc);
    const first = doc.passes.findIndex((p) => p.picture && p.counts.some(Boolean));
    this.state = {
      open: false,
      view: "passes",
      pass: Math.max(0, first),
      event: 0,
      mode: "diff",
      sel: null,
      kernel: this.hottest(doc),
      colour: "state",
      tab: "rule",
      tab2: "source",
      find: "",
      hit: 0,
      zoom: 0,
      all: false,
      help: false,
      pane: 1,
      ...doc.meta.start,
    };
    if (this.state.event) this.state.sel = this.model.fired(this.state).made;
    this.hover = null;
    this.deps = new Map();
    this.root = h("div.root", {
      tabindex: 0,
      role: "region",
      "aria-label": `inspector of ${doc.meta.name}`,
      "data-symnb": "inspector",
      "data-lm-suppress-shortcuts": "true",
    });
    for (const type of ["keydown", "keyup", "keypress"])
      this.root.addEventListener(type, (e) => {
        if (type === "keydown") this.key(e);
        e.stopPropagation();
      });
    this.live = h("div.sr", { "aria-live": "polite" });
    const shadow = host.shadowRoot || host.attachShadow({ mode: "open" });
    shadow.replaceChildren(h("style", CSS), this.root);
    this.theme();
    this.draw();
  }

  /** The kernel that takes the most time, else the one with the most text. */
  hottest(doc) {
    const kernels = doc.kernels || [],
      steps = new Map(((doc.profile || {}).steps || []).map((x) => [x[0], x[1]]));
    const weight = (k) => steps.get(k.name) || k.text.length / 1e6;
    return kernels.reduce((best, k, i) => (weight(k) > weight(kernels[best]) ? i : best), 0);
  }

  /** Follow the host's theme now and when it changes. */
  theme() {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const set = () => {
      const body = document.body,
        html = document.documentElement,
        jp = body.dataset.jpThemeLight;
      const told =
        jp !== undefined
          ? jp === "false"
          : body.classList.contains("vscode-dark") ||
              (html.getAttribute("theme") || html.dataset.theme) === "dark"
            ? true
            : body.classList.contains("vscode-light") ||
                (html.getAttribute("theme") || html.dataset.theme) === "light"
              ? false
              : query.matches;
      this.root.classList.toggle("dark", told);
    };
    query.addEventListener("change", set);
    const watch = new MutationObserver(set);
    for (const element of [document.body, document.documentElement])
      watch.observe(element, { attributes: true });
    set();
  }

  /** Change the state and draw what depends on it. */
  go(change) {
    const before = this.state;
    this.state = { ...before, ...change };
    const { model, state } = this;
    if (change.view) {
      state.open = true;
      state.colour = { kernels: "source", profile: "time" }[change.view] || "state";
    }
    if (change.pass !== undefined && change.pass !== before.pass) {
      state.event = change.event || 0;
      if (state.tab === "node" && change.sel === undefined) state.tab = "rule";
    }
    if (change.event) {
      state.tab = change.tab || "rule";
      state.sel = model.fired(state).made;
    } else if (change.sel !== undefined && change.sel !== null) {
      state.tab = change.tab || "node";
      state.pane = 2;
      if (model.home.has(change.sel)) state.kernel = model.home.get(change.sel);
    }
    if (change.view) state.pane = 1;
    this.hover = null;
    this.draw();
    if (change.pass !== undefined || change.event) this.say();
  }

  /** Tell a screen reader where we are. */
  say() {
    const { model, state } = this,
      pass = model.passes[state.pass];
    const [a, r, w, m] = pass.counts;
    this.live.textContent =
      `pass ${state.pass + 1} of ${model.passes.length}, ${pass.name}, ${a} added, ${r} removed, ${w} rewired, ${m} merged` +
      (state.event ? `, firing ${state.event}` : "");
  }

  /** Link rows in every pane; null goes back to the selection. */
  over(rows) {
    this.hover = rows;
    this.link();
  }
  link() {
    const { sel, event } = this.state;
    const rows = new Set((this.hover || (sel === null ? [] : [sel])).map(String));
    // In the code a firing lights all it matched; in the graph it has brackets.
    const sites = new Set(!this.hover && event ? this.model.fired(this.state).match.map(String) : []);
    for (const element of this.root.querySelectorAll("[data-r]")) {
      const wide = sites.size && element.closest(".sp");
      const on = element.dataset.r.split(" ").some((r) => rows.has(r) || (wide && sites.has(r)));
      if (on) element.setAttribute("data-symnb-linked", "");
      else element.removeAttribute("data-symnb-linked");
    }
  }
  pick(rows) {
    this.go({ sel: rows[0] });
  }

  /** Draw a section into its place unless nothing it depends on changed. */
  section(place, deps, build) {
    const key = JSON.stringify(deps);
    if (this.deps.get(place) === key) return;
    this.deps.set(place, key);
    place.replaceChildren(...[build()].flat(9).filter(Boolean));
  }

  draw() {
    const { state } = this,
      had = this.root.getRootNode().activeElement;
    const shape = `${state.open}/${state.view}`;
    if (this.shape !== shape) {
      this.shape = shape;
      this.deps.clear();
      this.build();
    }
    this.root.dataset.colour = state.colour;
    this.root.classList.toggle("shut", !state.open);
    if (state.open) this.fillOpen();
    this.link();
    if (state.open && state.sel !== null && this.at.graph) {
      const node = this.root.querySelector(`.view [data-symnb-node="${state.sel}"]`);
      if (node) this.reveal(node);
    }
    if (state.open && state.sel !== null)
      for (const pane of this.root.querySelectorAll(".scroll")) {
        const line = pane.querySelector(".ln[data-symnb-linked],.ln:has([data-symnb-linked])");
        if (
          line &&
          (line.offsetTop < pane.scrollTop || line.offsetTop + 17 > pane.scrollTop + pane.clientHeight)
        )
          pane.scrollTop = line.offsetTop - pane.clientHeight / 3;
      }
    if (had && !this.root.getRootNode().activeElement) this.root.focus({ preventScroll: true });
  }

  build() {
    const { state } = this;
    this.at = {};
    const col = (name, cls) => (this.at[name] = h("div.col" + (cls || "")));
    if (!state.open) return this.root.replaceChildren(...this.collapsed().filter(Boolean));
    this.at.head = h("div.head");
    this.at.narrow = h("div.tabs.narrow", { role: "tablist" });
    this.at.evbar = h("div.evbar");
    this.at.lin = h("div.lin");
    const body = h(`div.body.${state.view}`);
    if (state.view === "memory") body.append(col("memory"));
    else {
      if (state.view !== "profile") body.append(col("list", ".list"));
      body.append(col("graph"), col("right"));
    }
    const extra =
      state.view === "passes"
        ? [this.at.evbar, this.at.lin]
        : state.view === "profile"
          ? [(this.at.memory = h("div", { style: "border-top:1px solid var(--line)" }))]
          : [];
    this.root.replaceChildren(
      this.at.head,
      this.at.narrow,
      body,
      ...extra,
      this.live,
      (this.at.help = h("div")),
    );
  }

  /** name(inputs) → results */
  signature() {
    const { name, inputs, sinks } = this.model.doc.meta;
    const results = sinks
      .filter((x) => x[1] === "output")
      .map((x) => x[0])
      .join(", ");
    return h("span.sig", h("b", name), `(${inputs.join(", ")}) → ${results || "updates"}`);
  }
  logo() {
    return s(
      "svg",
      { class: "logo", width: 15, height: 15, viewBox: "0 0 15 15", "aria-hidden": "true" },
      s("path", {
        d: "M1 1.5h5v3H1zM9 1.5h5v3H9zM5 10.5h5v3H5zM3.500 4.500v3h8v-3M7.500 7.500v3",
        fill: "none",
        stroke: "currentColor",
      }),
    );
  }

  collapsed() {
    const { summary, passes, meta } = this.model.doc,
      kernels = this.model.kernels.length;
    const facts = [];
    if (summary.nodes)
      facts.push([
        h(
          "span",
          kernels
            ? `${many(summary.nodes[0], "node")} → ${many(kernels, "kernel")}`
            : `${summary.nodes[0]} → ${many(summary.nodes[1], "node")}`,
        ),
      ]);
    for (const [text, style] of summary.facts)
      facts.push([h(style === "strong" ? "b" : `span.${style || "x"}`, text)]);
    const changed = passes.filter((p) => p.counts.some(Boolean)).length,
      fired = passes.reduce((a, p) => a + p.fired, 0);
    const arrowPic = h(
      "div.arrow",
      s(
        "svg",
        { width: 52, height: 12 },
        s("path", { d: "M0 6h44", stroke: "currentColor", "stroke-width": 1.6 }),
        s("path", { d: "M51 6l-9 -4v8z", fill: "currentColor" }),
      ),
      h("div", many(changed, "pass").replace("passs", "passes")),
      h("div", many(fired, "rewrite")),
    );
    const figure = (title, note, pic) => h("figure", h("figcaption", h("b", title), note), pic);
    const open = (view) => () => this.go({ view, open: true });
    return [
      h(
        "div.head",
        this.logo(),
        h("span", { style: "width:9px" }),
        this.signature(),
        facts.map((f, i) => h(i ? "span.fact" + (i > 1 ? ".opt2" : "") : "span.fact", f)),
      ),
      drawAlarm(this),
      summary.written || summary.compiled
        ? h(
            "div.pics",
            summary.written
              ? figure("As written", `, ${many(summary.nodes[0], "node")}`, drawShapes(summary.written))
              : null,
            summary.compiled
              ? h(
                  "div.then",
                  summary.written ? arrowPic : null,
                  figure(
                    "Compiled",
                    `, ${many(kernels, "kernel")}, ${many(summary.nodes[1], "node")}`,
                    drawKernels(summary.compiled, !summary.written),
                  ),
                )
              : null,
          )
        : null,
      summary.highlights.length
        ? h(
            "div.hi",
            summary.highlights.map((x) => [
              h("span.mut", x.kind),
              h(x.code ? "code" : "span", x.text),
              x.line
                ? h(
                    "button.lnk",
                    { onclick: () => this.go({ view: "passes", open: true, sel: x.row }) },
                    `line ${x.line}`,
                  )
                : h("span"),
            ]),
          )
        : null,
      (meta.notes || []).length
        ? h(
            "div.sec.mut",
            meta.notes.map((n) => h("div", n)),
          )
        : null,
      h(
        "div.acts",
        VIEWS.filter((v) => this.has(v)).map((v, i) =>
          h("button.btn" + (i ? "" : ".on"), { "data-symnb-view": v, onclick: open(v) }, cap(v)),
        ),
        h("span.grow"),
        h("span.mut.opt2", "open with ", h("kbd", "Enter")),
        this.page
          ? h("button.btn", { onclick: () => this.download(`${meta.name}.html`, this.page()) }, "Save HTML")
          : null,
      ),
    ];
  }
  has(view) {
    return (
      view === "passes" ||
      (view === "kernels" && this.model.kernels.length) ||
      (view === "profile" && this.model.doc.profile) ||
      (view === "memory" && this.model.doc.memory)
    );
  }
}

function cap(text) {
  return text[0].toUpperCase() + text.slice(1);
}
