// The inspector: one state object, drawn by sections that are redrawn only when what they
// depend on changed; one selection (hover is transient, click pins) shared by all panes.

const VIEWS = ["passes", "kernels", "profile", "memory"];
const MODES = ["diff", "before", "after", "side"];
const MODE_NAMES = { diff: "Diff", before: "Before", after: "After", side: "Side by side" };
const KEYS = [["j k", "next, previous pass"], ["l h", "next, previous firing"], ["1 2 3 4", "diff, before, after, side by side"], ["/", "find a node"], ["n N", "next, previous hit"], ["f", "fit"], ["+ −", "zoom"], ["Esc", "clear, then close"], ["?", "these keys"]];

class App {
  /** @param {HTMLElement} host element that gets the shadow root  @param {any} doc trace document
   *  @param {Function} [page] text of a page that shows the same */
  constructor(host, doc, page) {
    this.page = page;
    this.model = new Model(doc);
    const first = doc.passes.findIndex((p) => p.picture && p.counts.some(Boolean));
    this.state = { open: false, view: "passes", pass: Math.max(0, first), event: 0, mode: "diff", sel: null, kernel: this.hottest(doc), colour: "state", tab: "rule", tab2: "source", find: "", hit: 0, zoom: 0, all: false, help: false, pane: 1 };
    this.hover = null;
    this.deps = new Map();
    this.root = h("div.root", { tabindex: 0, role: "region", "aria-label": `inspector of ${doc.meta.name}`, "data-symnb": "inspector", "data-lm-suppress-shortcuts": "true" });
    for (const type of ["keydown", "keyup", "keypress"]) this.root.addEventListener(type, (e) => { if (type === "keydown") this.key(e); e.stopPropagation(); });
    this.live = h("div.sr", { "aria-live": "polite" });
    const shadow = host.shadowRoot || host.attachShadow({ mode: "open" });
    shadow.replaceChildren(h("style", CSS), this.root);
    this.theme();
    this.draw();
  }

  /** The kernel that takes the most time, else the one with the most text. */
  hottest(doc) {
    const kernels = doc.kernels || [], steps = new Map(((doc.profile || {}).steps || []).map((x) => [x[0], x[1]]));
    const weight = (k) => steps.get(k.name) || k.text.length / 1e6;
    return kernels.reduce((best, k, i) => (weight(k) > weight(kernels[best]) ? i : best), 0);
  }

  /** Follow the host's theme now and when it changes. */
  theme() {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const set = () => {
      const body = document.body, html = document.documentElement, jp = body.dataset.jpThemeLight;
      const told = jp !== undefined ? jp === "false" : body.classList.contains("vscode-dark") || (html.getAttribute("theme") || html.dataset.theme) === "dark" ? true : body.classList.contains("vscode-light") || (html.getAttribute("theme") || html.dataset.theme) === "light" ? false : query.matches;
      this.root.classList.toggle("dark", told);
    };
    query.addEventListener("change", set);
    const watch = new MutationObserver(set);
    for (const element of [document.body, document.documentElement]) watch.observe(element, { attributes: true });
    set();
  }

  /** Change the state and draw what depends on it. */
  go(change) {
    const before = this.state;
    this.state = { ...before, ...change };
    const { model, state } = this;
    if (change.view) { state.open = true; state.colour = { kernels: "source", profile: "time" }[change.view] || "state"; }
    if (change.pass !== undefined && change.pass !== before.pass) { state.event = change.event || 0; if (state.tab === "node" && change.sel === undefined) state.tab = "rule"; }
    if (change.event) {
      const pass = model.passes[state.pass];
      state.tab = "rule";
      state.sel = model.doc.events.new[model.events(pass)[state.event - 1]];
    } else if (change.sel !== undefined && change.sel !== null) { state.tab = "node"; state.pane = 2; if (model.home.has(change.sel)) state.kernel = model.home.get(change.sel); }
    if (change.view) state.pane = 1;
    this.hover = null;
    this.draw();
    if (change.pass !== undefined || change.event) this.say();
  }

  /** Tell a screen reader where we are. */
  say() {
    const { model, state } = this, pass = model.passes[state.pass];
    const [a, r, w, m] = pass.counts;
    this.live.textContent = `pass ${state.pass + 1} of ${model.passes.length}, ${pass.name}, ${a} added, ${r} removed, ${w} rewired, ${m} merged` + (state.event ? `, firing ${state.event}` : "");
  }

  /** Link rows in every pane; null goes back to the selection. */
  over(rows) { this.hover = rows; this.link(); }
  link() {
    const rows = new Set((this.hover || (this.state.sel === null ? [] : [this.state.sel])).map(String));
    for (const element of this.root.querySelectorAll("[data-r]")) {
      const on = rows.size && element.dataset.r.split(" ").some((r) => rows.has(r));
      if (on) element.setAttribute("data-symnb-linked", ""); else element.removeAttribute("data-symnb-linked");
    }
  }
  pick(rows) { this.go({ sel: rows[0] }); }

  /** Draw a section into its place unless nothing it depends on changed. */
  section(place, deps, build) {
    const key = JSON.stringify(deps);
    if (this.deps.get(place) === key) return;
    this.deps.set(place, key);
    place.replaceChildren(...[build()].flat(9).filter(Boolean));
  }

  draw() {
    const { state } = this, had = this.root.getRootNode().activeElement;
    const shape = `${state.open}/${state.view}`;
    if (this.shape !== shape) { this.shape = shape; this.deps.clear(); this.build(); }
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
        if (line && (line.offsetTop < pane.scrollTop || line.offsetTop + 17 > pane.scrollTop + pane.clientHeight)) pane.scrollTop = line.offsetTop - pane.clientHeight / 3;
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
    const extra = state.view === "passes" ? [this.at.evbar, this.at.lin] : state.view === "profile" ? [(this.at.memory = h("div", { style: "border-top:1px solid var(--line)" }))] : [];
    this.root.replaceChildren(this.at.head, this.at.narrow, body, ...extra, this.live, (this.at.help = h("div")));
  }

  /** name(inputs) → results */
  signature() {
    const { name, inputs, sinks } = this.model.doc.meta;
    const results = sinks.filter((x) => x[1] === "output").map((x) => x[0]).join(", ");
    return h("span.sig", h("b", name), `(${inputs.join(", ")}) → ${results || "updates"}`);
  }
  logo() { return s("svg", { class: "logo", width: 15, height: 15, viewBox: "0 0 15 15", "aria-hidden": "true" }, s("path", { d: "M1 1.5h5v3H1zM9 1.5h5v3H9zM5 10.5h5v3H5zM3.500 4.500v3h8v-3M7.500 7.500v3", fill: "none", stroke: "currentColor" })); }

  collapsed() {
    const { summary, passes, meta } = this.model.doc, kernels = this.model.kernels.length;
    const facts = [];
    if (summary.nodes) facts.push([h("span", kernels ? `${many(summary.nodes[0], "node")} → ${many(kernels, "kernel")}` : `${summary.nodes[0]} → ${many(summary.nodes[1], "node")}`)]);
    for (const [text, style] of summary.facts) facts.push([h(style === "strong" ? "b" : `span.${style || "x"}`, text)]);
    const changed = passes.filter((p) => p.counts.some(Boolean)).length, fired = passes.reduce((a, p) => a + p.fired, 0);
    const arrowPic = h("div.arrow", s("svg", { width: 52, height: 12 }, s("path", { d: "M0 6h44", stroke: "currentColor", "stroke-width": 1.6 }), s("path", { d: "M51 6l-9 -4v8z", fill: "currentColor" })), h("div", many(changed, "pass").replace("passs", "passes")), h("div", many(fired, "rewrite")));
    const figure = (title, note, pic) => h("figure", h("figcaption", h("b", title), note), pic);
    const open = (view) => () => this.go({ view, open: true });
    return [
      h("div.head", this.logo(), h("span", { style: "width:9px" }), this.signature(), facts.map((f, i) => h(i ? "span.fact" + (i > 1 ? ".opt2" : "") : "span.fact", f))),
      summary.written || summary.compiled ? h("div.pics",
        summary.written ? figure("As written", `, ${many(summary.nodes[0], "node")}`, drawShapes(summary.written)) : null,
        summary.written && summary.compiled ? arrowPic : null,
        summary.compiled ? figure("Compiled", `, ${many(kernels, "kernel")}, ${many(summary.nodes[1], "node")}`, drawKernels(summary.compiled)) : null) : null,
      summary.highlights.length ? h("div.hi", summary.highlights.map((x) => [h("span.mut", x.kind), h(x.code ? "code" : "span", x.text), x.line ? h("button.lnk", { onclick: () => this.go({ view: "passes", open: true, sel: x.row }) }, `line ${x.line}`) : h("span")])) : null,
      (meta.notes || []).length ? h("div.sec.mut", meta.notes.map((n) => h("div", n))) : null,
      h("div.acts", VIEWS.filter((v) => this.has(v)).map((v, i) => h("button.btn" + (i ? "" : ".on"), { "data-symnb-view": v, onclick: open(v) }, cap(v))), h("span.grow"), h("span.mut.opt2", "open with ", h("kbd", "Enter")), this.page ? h("button.btn", { onclick: () => this.download(`${meta.name}.html`, this.page()) }, "Save HTML") : null),
    ];
  }
  has(view) { return view === "passes" || (view === "kernels" && this.model.kernels.length) || (view === "profile" && this.model.doc.profile) || (view === "memory" && this.model.doc.memory); }

  fillOpen() {
    const { at, state, model } = this;
    this.section(at.head, [state.view, state.colour], () => [this.logo(), this.signature(),
      h("div.seg", { role: "tablist" }, VIEWS.filter((v) => this.has(v)).map((v) => h("button", { role: "tab", "data-symnb-view": v, "aria-selected": String(v === state.view), onclick: () => this.go({ view: v }) }, cap(v)))),
      h("span.grow"), h("span.mut.s12.opt", "colour by"),
      h("select.opt", { "aria-label": "colour by", onchange: (e) => this.go({ colour: e.target.value }) }, ["state", "source", "time"].filter((c) => c !== "time" || model.ns.size).map((c) => h("option", { value: c, selected: c === state.colour }, c))),
      h("input.find", { placeholder: "find node", "aria-label": "find node", value: state.find, oninput: (e) => this.find(e.target.value) }),
      h("button.btn", { "aria-label": "keys", onclick: () => this.go({ help: !state.help }) }, "?"),
      h("button.btn.opt", { "aria-label": "full screen", onclick: () => (document.fullscreenElement ? document.exitFullscreen() : this.root.requestFullscreen()) }, s("svg", { width: 11, height: 11 }, s("path", { d: "M1 4V1h3M7 1h3v3M10 7v3H7M4 10H1V7", fill: "none", stroke: "currentColor" }))),
      h("button.btn", { "aria-label": "close", onclick: () => this.go({ open: false }) }, "×")]);
    this.section(at.help, [state.help], () => (state.help ? h("div.help", { role: "dialog", "aria-label": "keys" }, KEYS.map(([k, t]) => [h("span", k.split(" ").map((x) => [h("kbd", x), " "])), h("span", t)])) : []));
    if (at.list) this.section(at.list, [state.pass, state.all, state.view], () => drawPasses(this));
    if (at.graph) this.graph();
    if (state.view === "passes") this.passRight();
    if (state.view === "kernels") this.kernelRight();
    if (state.view === "profile") this.section(at.right, [state.kernel, state.sel], () => [h("div.phead", h("b", "Kernels"), h("span.mut", `${model.kernels.length} kernels`)), h("div.scroll", drawProfile(this))]);
    if (at.memory) this.section(at.memory, [1], () => drawMemory(this));
    const names = { passes: ["Passes", "Graph", "Rule"], kernels: ["Passes", "Graph", "Kernel"], profile: ["Graph", "Times"] }[state.view] || [];
    const cols = [at.list, at.graph, at.right].filter(Boolean);
    const active = Math.min(state.view === "profile" ? state.pane - 1 : state.pane, cols.length - 1);
    this.section(at.narrow, [state.pane, state.view], () => names.map((n, i) => h("button", { role: "tab", "aria-selected": String(i === Math.max(0, active)), onclick: () => this.go({ pane: state.view === "profile" ? i + 1 : i }) }, n)));
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
    const { at, state, model } = this, index = this.shownPass(), pass = model.passes[index], pic = pass.picture;
    const changing = state.view === "passes";
    this.section(at.graph, [index, changing && state.mode, state.colour, changing && state.event, state.zoom, state.kernel * (state.view === "profile"), state.view === "kernels" && state.sel], () => {
      if (!pic) return h("div.sec.mut", "This pass has no picture.");
      const title = state.view === "profile" ? "Self time" : changing ? pass.name : "Kernels";
      const head = h("div.phead", h("b", title), h("span.mut.opt", changing ? `${pass.nodes[0]} → ${many(pass.nodes[1], "node")}` + (pic.of ? `, near the changes` : "") : `${many(model.kernels.length, "kernel")}, ${many(pass.nodes[1], "node")}`), h("span.grow"),
        changing ? h("div.seg", { role: "tablist" }, MODES.map((m, i) => h("button" + (i > 2 ? ".opt2" : ""), { role: "tab", "data-symnb-mode": m, "aria-selected": String(state.mode === m), onclick: () => this.go({ mode: m }) }, MODE_NAMES[m]))) : null,
        h("button.btn.opt", { "aria-label": "zoom out", onclick: () => this.zoom(1 / 1.2) }, "−"), (this.at.zoom = h("span.mono.mut.s11.opt")), h("button.btn.opt", { "aria-label": "zoom in", onclick: () => this.zoom(1.2) }, "+"), h("button.btn.opt", { "aria-label": "save the drawing as SVG", onclick: () => this.exportSvg() }, "svg"));
      const modes = changing && state.mode === "side" ? ["before", "after"] : [changing ? state.mode : "after"];
      const views = modes.map((mode) => h("div.view", draw(pic, model, this.how(pass, mode))));
      this.views = views;
      views.forEach((v) => { this.pan(v); v.addEventListener("scroll", () => views.forEach((o) => { if (o !== v) { o.scrollTop = v.scrollTop; o.scrollLeft = v.scrollLeft; } })); });
      requestAnimationFrame(() => this.size(pic));
      return [head, h("div.pane", views), h("div.foot", this.legend(pass))];
    });
    if (changing) this.eventBar(pass);
  }

  /** How to draw a pass in a mode. */
  how(pass, mode) {
    const { model, state } = this, changing = state.view === "passes";
    const most = Math.max(1, ...model.ns.values());
    const e = state.event ? model.events(pass)[state.event - 1] : null;
    const heat = state.colour === "time" ? (row) => (model.ns.has(row) ? [heatStep(model.ns.get(row), most), time(model.ns.get(row))] : null) : null;
    const steps = new Map(((model.doc.profile || {}).steps || []).map((x) => [x[0], x[1]]));
    const top = Math.max(1, ...steps.values());
    return {
      mode: changing ? mode : "after", state: changing ? model.states(pass) : new Map(), merged: pass.merged, colour: changing || state.colour !== "state" ? state.colour : "source", heat,
      boxHeat: heat && ((t) => (steps.has(t) ? [heatStep(steps.get(t), top), time(steps.get(t))] : null)), title: `graph of pass ${pass.name}`,
      event: changing && e !== null ? { match: model.doc.events.match[e], bind: model.doc.events.bind[e] } : null,
      pick: (row) => this.go({ sel: row }), over: (rows) => this.over(rows),
    };
  }

  /** The legend: state counts, numbered sources or the heat scale. */
  legend(pass) {
    const { model, state } = this;
    if (state.view === "profile" || state.colour === "time") return [h("span", "0"), h("span", [0, 1, 2, 3, 4].map((i) => h("span.bar.hb" + i, { style: "width:24px" }))), h("span", `${time(Math.max(0, ...model.ns.values()))} self time; ops inside a kernel are ${(model.doc.profile || {}).method || "measured"}`)];
    if (state.view === "kernels" || state.colour === "source") {
      const seen = new Map();
      for (const [span, n] of model.source) if (!seen.has(n)) seen.set(n, model.lineName(span));
      return [...seen].slice(0, 10).map(([n, text]) => h("span", h(`span.chip.c${((n - 1) % 8) + 1}`, String(n)), " ", text));
    }
    const box = (cls, glyph) => s("svg", { width: 24, height: 16 }, s("g", { class: "n " + cls }, outline(glyph === null ? cls : "op", 12, 1.5, 22, 13), glyph ? s("text", { class: "sm", x: 12, y: 12, "text-anchor": "middle" }, glyph) : null));
    const names = ["added", "removed", "rewired", "merged"];
    return [names.map((n, i) => (pass.counts[i] ? h("span.st-" + n, box(n, GLYPH[n]), h("b", String(pass.counts[i])), " " + n) : null)),
      h("span.grow"), h("span.opt", box("input", null), "input"), h("span.opt", box("shared", null), "shared"), h("span.opt", box("constant", null), "constant"), h("span.opt", box("copy", ""), "cut edge")];
  }

  eventBar(pass) {
    const { at, state, model } = this, numbers = model.events(pass), n = numbers.length;
    const to = (k) => () => this.go({ event: Math.max(0, Math.min(n, k)) });
    this.section(at.evbar, [state.pass, state.event], () => {
      const e = state.event ? numbers[state.event - 1] : null, { rule, old, new: made, kind } = model.doc.events;
      const name = (i) => (rule[i] >= 0 ? model.doc.rules[rule[i]].name : kind[i]);
      const next = numbers[state.event];
      return [h("span.mut", "Rewrite"), h("button.btn", { "aria-label": "first", onclick: to(n ? 1 : 0) }, "⇤"), h("button.btn", { "aria-label": "previous", onclick: to(state.event - 1) }, "‹"),
        h("input.opt2", { type: "range", min: 0, max: n, value: state.event, "aria-label": "firing", oninput: (ev) => this.go({ event: +ev.target.value }) }),
        h("button.btn", { "aria-label": "next", onclick: to(state.event + 1) }, "›"), h("button.btn", { "aria-label": "last", onclick: to(n) }, "⇥"),
        h("span.num", { "data-symnb-event": state.event }, `${state.event}/${n}`),
        e !== null ? [h("b", name(e)), h("span.mut", `${model.title(old[e])} → ${model.title(made[e])}`)] : null,
        next !== undefined ? h("span.mut.opt2", `next: ${name(next)}, ${model.title(old[next])}`) : null, h("span.grow"), h("kbd.opt2", "h"), h("kbd.opt2", "l")];
    });
    this.section(at.lin, [state.sel, state.pass], () => (state.sel === null ? h("span.mut", "Lineage: select a node") : [h("span.mut", `Lineage of n${state.sel}`),
      model.lineage(state.sel, state.pass).map(([text, change, here], i) => [i ? h("span.mut", "›") : null, h(here ? "button.lnk.b" : "button", { onclick: () => this.go(change) }, text)])]));
  }

  tabs(names, key, end) {
    return h("div.tabs", { role: "tablist" }, names.map((n) => h("button", { role: "tab", "data-symnb-tab": n, "aria-selected": String(this.state[key] === n), onclick: () => this.go({ [key]: n, sel: this.state.sel === null ? null : undefined ?? this.state.sel, [key]: n }) }, cap(n))), end ? h("span.end", end) : null);
  }

  how2() { return { over: (rows) => this.over(rows), pick: (rows) => this.pick(rows) }; }

  /** Node, rule or check above, source or kernel below. */
  passRight() {
    const { at, state, model } = this;
    if (!at.top) { at.top = h("div", { style: "display:flex;flex-direction:column;flex:1 1 56%;min-height:0" }); at.low = h("div", { style: "display:flex;flex-direction:column;flex:1 1 44%;min-height:0;border-top:1px solid var(--line)" }); at.right.append(at.top, at.low); }
    const draws = { node: drawNodePane, rule: drawRulePane, check: drawCheckPane };
    this.section(at.top, [state.tab, state.pass, state.event, state.sel], () => [this.tabs(["node", "rule", "check"], "tab"), h("div.scroll", draws[state.tab](this))]);
    this.lower(at.low, ["source", "kernel", "decisions"]);
  }

  lower(place, names) {
    const { state, model } = this, tab = names.includes(state.tab2) ? state.tab2 : names[0];
    const sources = model.doc.sources;
    const span = state.sel === null ? undefined : model.doc.nodes.spans[state.sel][0];
    const which = tab === "source" && span !== undefined ? model.doc.spans[span][0] : 0;
    this.section(place, [tab, tab === "kernel" && state.kernel, which, tab === "decisions" && state.view], () => [
      this.tabs(names, "tab2", tab === "kernel" && model.kernels[state.kernel] ? model.kernels[state.kernel].name : tab === "source" && sources[which] ? sources[which].name : ""),
      h("div.scroll", tab === "source" ? (sources.length ? drawSource(model, which, this.how2()) : h("div.sec.mut", "The source text is not known.")) : tab === "kernel" ? (model.kernels.length ? drawKernel(model, state.kernel, this.how2()) : h("div.sec.mut", "No kernel was generated.")) : drawDecisions(this))]);
  }

  kernelRight() {
    const { at, state, model } = this;
    if (!at.top) { at.top = h("div", { style: "display:flex;flex-direction:column;flex:1 1 68%;min-height:0" }); at.low = h("div", { style: "display:flex;flex-direction:column;flex:1 1 32%;min-height:0;border-top:1px solid var(--line)" }); at.right.append(at.top, at.low); }
    this.section(at.top, [state.kernel], () => {
      const kernel = model.kernels[state.kernel];
      return [h("div.tabs", { role: "tablist" }, model.kernels.map((k, i) => h("button", { role: "tab", "data-symnb-kernel": k.name, "aria-selected": String(i === state.kernel), onclick: () => this.go({ kernel: i }) }, k.name)),
        h("button.end.lnk", { onclick: () => navigator.clipboard && navigator.clipboard.writeText(kernel.text) }, "copy")),
      h("div.phead.mut", many(kernel.nodes.length, "op"), h("span", kernel.note || ""), h("span.grow"), h("span.opt", model.doc.meta.compiler || "")),
      h("div.scroll", drawKernel(model, state.kernel, this.how2())), h("div", { style: "border-top:1px solid var(--line);max-height:92px;overflow:auto;flex:none" }, drawDecisions(this, kernel.nodes))];
    });
    const tab = at.top.querySelector("[data-symnb-kernel][aria-selected=true]"), tabs = tab.parentNode;
    if (tab.offsetLeft < tabs.scrollLeft || tab.offsetLeft + tab.offsetWidth > tabs.scrollLeft + tabs.clientWidth) tabs.scrollLeft = tab.offsetLeft - 60;
    this.lower(at.low, ["source", "decisions"]);
  }

  // zoom and pan --------------------------------------------------------------------
  size(pic) {
    const view = this.views[0];
    const fit = Math.min(1, Math.max((view.clientWidth - 2) / pic.w, this.state.view === "passes" ? 0.8 : 0.7));
    const k = this.state.zoom || fit;
    this.scale = k;
    for (const v of this.views) { const svg = v.firstElementChild; svg.setAttribute("width", Math.round(pic.w * k)); svg.setAttribute("height", Math.round(pic.h * k)); }
    if (this.at.zoom) this.at.zoom.textContent = `${Math.round(k * 100)} %`;
    const first = view.querySelector("[data-symnb-match]") || view.querySelector(".n.added,.n.removed,.n.rewired,.n.merged");
    view.scrollLeft = (view.scrollWidth - view.clientWidth) / 2;
    const kernel = this.state.view !== "passes" && this.model.kernels[this.state.kernel];
    const inside = kernel && view.querySelector(kernel.nodes.map((r) => `[data-symnb-node="${r}"]`).join(",") || "no");
    if (first || inside) this.reveal(first || inside);
    this.link();
  }
  /** The drawing as a file: its own colours, no script. */
  exportSvg() {
    const svg = this.views[0].firstElementChild.cloneNode(true);
    svg.setAttribute("class", this.root.className);
    svg.setAttribute("xmlns", NS);
    svg.prepend(s("style", CSS));
    this.download(`${this.model.doc.meta.name}.svg`, new XMLSerializer().serializeToString(svg));
  }
  download(name, text) {
    const link = h("a", { href: URL.createObjectURL(new Blob([text])), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1e4);
  }
  zoom(factor) { this.go({ zoom: Math.min(3, Math.max(0.2, (this.scale || 1) * factor)) }); }
  fit() { const v = this.views[0], svg = v.firstElementChild.viewBox.baseVal; this.go({ zoom: Math.min(1.5, v.clientWidth / svg.width, v.clientHeight / svg.height) }); }
  reveal(element) {
    const v = element.closest(".view");
    if (!v) return;
    const a = element.getBoundingClientRect(), b = v.getBoundingClientRect();
    if (a.left < b.left || a.right > b.right) v.scrollLeft += a.left - b.left - b.width / 2 + a.width / 2;
    if (a.top < b.top || a.bottom > b.bottom) v.scrollTop += a.top - b.top - b.height / 2 + a.height / 2;
  }
  pan(view) {
    view.addEventListener("wheel", (e) => { if (e.ctrlKey) { e.preventDefault(); this.zoom(e.deltaY < 0 ? 1.1 : 1 / 1.1); } }, { passive: false });
    view.addEventListener("pointerdown", (e) => {
      if (e.target.closest(".n")) return;
      const move = (m) => { view.scrollLeft -= m.movementX; view.scrollTop -= m.movementY; };
      const stop = () => { removeEventListener("pointermove", move); removeEventListener("pointerup", stop); };
      addEventListener("pointermove", move);
      addEventListener("pointerup", stop);
    });
  }

  // find ----------------------------------------------------------------------------
  find(text, step = 0) {
    const { model, state } = this;
    const want = text.toLowerCase();
    const nodes = [...this.root.querySelectorAll(".view [data-symnb-node]")];
    const hits = nodes.filter((n) => { n.classList.remove("hit"); const row = +n.dataset.symnbNode; return want && (model.title(row) + " " + model.text("name", row)).toLowerCase().includes(want); });
    hits.forEach((n) => n.classList.add("hit"));
    state.find = text;
    state.hit = hits.length ? (state.hit + step + hits.length) % hits.length : 0;
    if (hits.length) this.reveal(hits[state.hit]);
    this.live.textContent = `${hits.length ? state.hit + 1 : 0}/${hits.length}`;
  }

  // keys ----------------------------------------------------------------------------
  key(e) {
    const { state, model } = this;
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const target = e.composedPath()[0];
    if (target.tagName === "INPUT" && target.type !== "range") {
      if (e.key === "Escape") { this.find(""); target.value = ""; this.root.focus(); }
      if (e.key === "Enter") { this.find(target.value, e.shiftKey ? -1 : 1); }
      return;
    }
    if (!state.open) { if (e.key === "Enter" && target === this.root) { e.preventDefault(); this.go({ view: "passes", open: true }); } return; }
    const change = this.keyChange(e.key, model.passes[state.pass]);
    if (change === undefined) return;
    e.preventDefault();
    if (change) this.go(change);
  }

  /** What a key changes: an object, null when it was handled here, undefined when unknown. */
  keyChange(key, pass) {
    const { state, model } = this, n = model.events(pass).length;
    const shown = model.passes.map((p, i) => (p.picture || state.all ? i : -1)).filter((i) => i >= 0);
    const where = shown.indexOf(state.pass);
    switch (key) {
      case "j": case "ArrowDown": return { pass: shown[Math.min(shown.length - 1, where + 1)] };
      case "k": case "ArrowUp": return { pass: shown[Math.max(0, where - 1)] };
      case "l": case "ArrowRight": return { event: Math.min(n, state.event + 1) };
      case "h": case "ArrowLeft": return { event: Math.max(0, state.event - 1) };
      case "1": case "2": case "3": case "4": return { mode: MODES[+key - 1] };
      case "f": this.fit(); return null;
      case "+": case "=": this.zoom(1.2); return null;
      case "-": this.zoom(1 / 1.2); return null;
      case "/": this.root.querySelector(".find").focus(); return null;
      case "n": case "N": this.find(state.find, key === "n" ? 1 : -1); return null;
      case "?": return { help: !state.help };
      case "Escape": if (state.help) return { help: false }; if (state.sel !== null || state.event) return { sel: null, event: 0 }; return { open: false };
    }
    return undefined;
  }
}

function cap(text) { return text[0].toUpperCase() + text.slice(1); }
