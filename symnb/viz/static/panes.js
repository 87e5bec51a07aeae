// The panes beside the graph: pass list, node, decisions, profile, memory plan.

/** Coloured counts of a pass: "+2 −3 ~2 =1". */
function counts(pass) {
  return ["added", "removed", "rewired", "merged"].map((name, i) =>
    pass.counts[i] ? h("span.st-" + name, GLYPH[name] + pass.counts[i]) : null,
  );
}

/** The pass list. */
function drawPasses(app) {
  const { model, state } = app;
  const rows = [];
  let phase = null;
  model.passes.forEach((pass, i) => {
    if (pass.phase !== phase)
      rows.push(h("div.phase", pass.phase, phase === null ? h("span", "nodes") : null));
    phase = pass.phase;
    if (!pass.picture && !state.all) return;
    const events = pass.fired;
    const note = pass.counts.some(Boolean)
      ? null
      : pass.picture && pass.phase === "kernels" && model.kernels.length
        ? (pass.check ? "" : many(pass.nodes[1], "node") + " → ") + many(model.kernels.length, "kernel")
        : events
          ? many(events, "firing")
          : i
            ? "no change"
            : "";
    const check = pass.check;
    rows.push(
      h(
        check && check.state === "bad" ? "button.pass.broke" : "button.pass",
        {
          role: "option",
          "data-symnb-pass": pass.name,
          "aria-selected": String(i === (state.view === "passes" ? state.pass : app.shownPass())),
          onclick: () => app.go({ view: "passes", pass: i, event: 0 }),
        },
        h("div.r", h("span.nm", pass.name, pass.times ? h("span.mut", ` ×${pass.times}`) : null), h("span.num", String(pass.nodes[1]))),
        h(
          "div.c",
          counts(pass),
          note ? h("span.mut.s11", note) : null,
          check ? badge(check) : h("span"),
        ),
      ),
    );
  });
  const changed = model.passes.filter((p) => p.counts.some(Boolean)).length;
  return [
    h(
      "div.phead",
      h("b", "Passes"),
      h("span.grow"),
      h(
        "button.mut",
        {
          title: "show or hide passes that changed nothing",
          "aria-pressed": String(!!state.all),
          onclick: () => app.go({ all: !state.all }),
        },
        `${changed} of ${model.passes.length}`,
        h("span.opt", " changed"),
      ),
    ),
    h("div.scroll", { role: "listbox", "aria-label": "passes" }, rows),
    h(
      "div.foot",
      h("span.grow", model.doc.meta.ns ? time(model.doc.meta.ns) : ""),
      h("kbd", "j"),
      h("kbd", "k"),
    ),
  ];
}

/** A row as something to click. */
function rowLink(app, row) {
  const { model } = app;
  return h(
    "button.rowlink",
    {
      "data-r": row,
      onclick: () => app.go({ sel: row }),
      onmouseenter: () => app.over([row]),
      onmouseleave: () => app.over(null),
    },
    h("b", model.label(row)),
    model.kind(row) === "op" ? ` n${row} ` : " ",
    h("i", model.text("type", row)),
  );
}

/** Everything about the selected node. */
function drawNodePane(app) {
  const { model, state } = app,
    row = state.sel;
  if (row === null)
    return h("div.sec.mut", "Click a node, a span or a line of code. ", h("kbd", "?"), " lists the keys.");
  const pass = model.passes[state.pass];
  const kind = model.kind(row),
    params = model.text("params", row),
    name = model.text("name", row);
  const users = model.inputs
    .map((ins, i) => (ins.includes(row) ? i : -1))
    .filter((i) => i >= 0)
    .slice(0, 12);
  const change = model.states(pass).get(row);
  const lines = model.kernelLines(row);
  const facts = [
    ["id", `n${row}`],
    ["type", h("span.mono", model.text("type", row))],
  ];
  if (name && name !== model.label(row)) facts.push(["name", name]);
  if (params) facts.push(["params", h("span.mono", params)]);
  if (change) facts.push(["here", h("span.st-" + change, `${GLYPH[change]} ${change} by ${pass.name}`)]);
  if (model.inputs[row].length)
    facts.push(["reads", model.inputs[row].map((i) => h("div", rowLink(app, i)))]);
  if (users.length) facts.push(["read by", users.map((i) => h("div", rowLink(app, i)))]);
  for (const span of model.doc.nodes.spans[row].slice(0, 4)) {
    const at = model.spanText(span);
    facts.push([
      "source",
      h(
        "button.lnk",
        { onclick: () => app.go({ tab2: "source" }) },
        `${at.source}, line ${at.line}: `,
        h("code", at.text),
      ),
    ]);
  }
  if (lines)
    facts.push([
      "kernel",
      h(
        "button.lnk",
        { onclick: () => app.go({ view: "kernels", kernel: lines.index }) },
        model.kernels[lines.index].name + lines.lines.map((l) => " " + [...new Set(l)].join("–")).join(","),
      ),
    ]);
  if (model.ns.has(row))
    facts.push(["time", `${time(model.ns.get(row))}, ${model.doc.profile.method || "measured"}`]);
  return h(
    "div.sec",
    h("h4", model.label(row), h("span.mut.s11", kind === "op" ? "" : kind)),
    h(
      "div.kv",
      { style: "margin-top:8px" },
      facts.map(([k, v]) => [h("span", k), h("span", v)]),
    ),
  );
}

/** The decisions of the compiler; of one kernel's rows if given. */
function drawDecisions(app, rows) {
  const all = app.model.doc.decisions;
  const mine = rows ? all.filter((d) => d.nodes.some((n) => rows.includes(n))) : all;
  if (!mine.length)
    return h("div.sec.mut", `No decision was about this ${rows ? "kernel" : "function"}.`);
  return h(
    "div.sec",
    h(
      "div.kv",
      mine.map((d) => [
        h("span", d.kind),
        h(
          "span",
          { "data-r": d.nodes.join(" ") },
          `${d.subject.replace(/%\d+ /g, "")}: ${d.chosen}`,
          d.reason ? h("span.mut", `, ${d.reason}`) : null,
        ),
      ]),
    ),
  );
}

/** Steps by time. */
function drawProfile(app) {
  const profile = app.model.doc.profile;
  if (!profile)
    return h(
      "div.sec.mut",
      "No profile yet. Run with ",
      h("code", "--profile 200"),
      " or set ",
      h("code", "symnb.config.profile = True"),
      ".",
    );
  const total = profile.call_ns || profile.steps.reduce((a, b) => a + b[1], 0) || 1;
  const most = Math.max(...profile.steps.map((x) => x[1]), 1);
  const rows = profile.steps
    .map(([name, ns, note], i) => ({ name, ns, note, i }))
    .sort((a, b) => b.ns - a.ns || a.i - b.i);
  const big = [
    [time(total), "per call" + (profile.calls ? `, mean of ${profile.calls}` : "")],
    ...(profile.facts || []),
  ];
  if (profile.overhead_ns) big.push([time(profile.overhead_ns), "call overhead"]);
  const arena = app.model.doc.memory && app.model.doc.memory.arena;
  if (arena) big.push([bytes(arena), "peak arena"]);
  const at = (name) => app.model.kernels.findIndex((k) => k.name === name);
  return [
    h(
      "div.big",
      big.map(([a, b]) => h("div", h("b", a), b)),
    ),
    h(
      "table",
      h("thead", h("tr", h("th", "kernel"), h("th"), h("th.num", "time ▾"), h("th"), h("th.num", "%"))),
      h(
        "tbody",
        rows.map((r) =>
          h(
            at(r.name) === app.state.kernel && at(r.name) >= 0 ? "tr.sel" : "tr",
            { onclick: () => at(r.name) >= 0 && app.go({ kernel: at(r.name) }) },
            h("td", h("span.sw.hb" + heatStep(r.ns, most)), h("b", r.name)),
            h("td.mut", r.note || ""),
            h("td.num", time(r.ns)),
            h(
              "td",
              { style: "width:120px" },
              h("span.bar.hb" + heatStep(r.ns, most), {
                style: `width:${Math.round((100 * r.ns) / most)}px`,
              }),
            ),
            h("td.num", r.ns * 200 < total ? "<1" : String(Math.round((100 * r.ns) / total))),
          ),
        ),
      ),
    ),
    drawInside(app),
    app.model.kernels[app.state.kernel] ? drawDecisions(app, app.model.kernels[app.state.kernel].nodes) : null,
  ];
}

/** Times of the nodes inside the chosen kernel. */
function drawInside(app) {
  const kernel = app.model.kernels[app.state.kernel];
  if (!kernel) return null;
  const rows = kernel.nodes
    .filter((r) => app.model.ns.has(r))
    .sort((a, b) => app.model.ns.get(b) - app.model.ns.get(a))
    .slice(0, 12);
  if (!rows.length) return null;
  const most = app.model.ns.get(rows[0]) || 1;
  return h(
    "div.sec",
    h("div.mut.s11", `Inside ${kernel.name}, ${app.model.doc.profile.method || "measured"}`),
    h(
      "table",
      h(
        "tbody",
        rows.map((r) =>
          h(
            "tr",
            {
              "data-r": r,
              onclick: () => app.go({ sel: r }),
              onmouseenter: () => app.over([r]),
              onmouseleave: () => app.over(null),
            },
            h("td", app.model.title(r)),
            h("td.num", time(app.model.ns.get(r))),
            h(
              "td",
              { style: "width:50%" },
              h("span.bar.hb" + heatStep(app.model.ns.get(r), most), {
                style: `width:${Math.round((100 * app.model.ns.get(r)) / most)}px`,
              }),
            ),
          ),
        ),
      ),
    ),
  );
}

/** Heat 0 to 4. */
function heatStep(value, most) {
  return Math.min(4, Math.floor((5 * value) / most));
}

/** Life of every buffer over the steps. */
function drawMemory(app) {
  const memory = app.model.doc.memory;
  if (!memory) return h("div.sec.mut", "No memory plan was recorded.");
  const steps = memory.steps.length + 1,
    part = (i) => `${(100 * (i + 1)) / steps}%`;
  return [
    h(
      "div.phead",
      h("b", "Memory plan"),
      h(
        "span.mut",
        `${many(memory.rows.length, "buffer")}${memory.arena ? ", arena " + bytes(memory.arena) : ""}`,
      ),
      h("span.grow"),
      [
        ["caller", "caller or shared"],
        ["", "arena"],
        ["result", "written result"],
      ].map(([c, t]) =>
        h(
          "span.mut.opt",
          { style: "position:relative;padding-left:26px" },
          h(`span.seg2${c ? "." + c : ""}`, { style: "left:0;width:20px;top:3px;height:12px" }),
          t,
        ),
      ),
    ),
    h(
      "div.mem",
      h(
        "table",
        h(
          "thead",
          h(
            "tr",
            h("th"),
            h("th"),
            h(
              "th",
              { style: "padding:0" },
              h(
                "div",
                { style: "display:flex" },
                ["call", ...memory.steps].map((n) =>
                  h("span", { style: `width:${100 / steps}%;overflow:hidden;text-overflow:ellipsis` }, n),
                ),
              ),
            ),
            h("th"),
            h("th"),
          ),
        ),
        h(
          "tbody",
          memory.rows.map((r) =>
            h(
              "tr",
              { "data-r": r.row },
              h("td", h("b", r.name)),
              h("td.mut", r.role),
              h(
                "td.life",
                r.spans.map(([a, b, text]) =>
                  h(
                    `span.seg2${r.role === "arena" ? "" : r.role === "result" || r.role === "update" ? ".result" : ".caller"}`,
                    {
                      style: `left:${part(a)};width:calc(${(100 * (b - a + 1)) / steps}% - 3px)`,
                      title: text,
                    },
                    text,
                  ),
                ),
              ),
              h("td.num", bytes(r.bytes)),
              h("td.mut", r.note || ""),
            ),
          ),
        ),
      ),
    ),
  ];
}
