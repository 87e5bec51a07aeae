// The panes that tell what a pass did: the rule of a firing, the check, the text diff.

const MARKS = { ok: ["good", "✓ "], bad: ["bad.b", "! "], late: ["warn", "~ "] };

/** "✓ 2 ulp", "! 8e15 ulp" or, behind a pass that failed, "~ 8e15 ulp". */
function badge({ state, text }, tag = "span") {
  const [cls, mark] = MARKS[state];
  return h(`${tag}.${cls}`, mark + text);
}

/** The rule of the firing shown, else the rules of the pass. */
function drawRulePane(app) {
  const { model, state } = app,
    pass = model.passes[state.pass],
    { events, rules } = model.doc;
  const numbers = model.events(pass);
  if (!state.event) return drawTally(app, numbers);
  const e = numbers[state.event - 1],
    rule = rules[events.rule[e]];
  const fired = numbers.filter(
    (i) => events.rule[i] === events.rule[e] && events.kind[i] === events.kind[e],
  ).length;
  const what = {
    merge: "Two nodes that compute the same became one.",
    fold: "A node whose inputs are all constants became a constant.",
  }[events.kind[e]];
  return [
    drawBreach(app, pass),
    h(
      "div.sec",
      h(
        "h4",
        rule ? rule.name : events.kind[e],
        rule && rule.contract ? h("span.badge.good", { title: rule.promise }, rule.contract) : null,
        h("span.grow"),
        rule && rule.latex
          ? h("button.lnk.s11", { title: "copy " + rule.latex, onclick: () => copy(rule.latex) }, "LaTeX")
          : null,
        h("span.mut.s11", `fired ${fired}×`),
      ),
      rule ? drawFormula(rule) : h("p", what || ""),
      rule && rule.reason ? h("p", rule.reason) : null,
    ),
    h(
      "div.sec",
      h(
        "div.kv",
        events.bind[e].map(([name, row]) => [h("span.mono", name), boundTo(app, row)]),
        h("span", "before"),
        boundTo(app, events.old[e]),
        h("span", "after"),
        boundTo(app, events.new[e]),
      ),
    ),
    rule && rule.evidence ? drawEvidence(rule.evidence) : rule ? drawUnmeasured(app, events.rule[e]) : null,
    rule ? drawOrigin(rule) : null,
  ];
}

/** A row and the line it was written on. */
function boundTo(app, row) {
  const span = app.model.doc.nodes.spans[row][0];
  return h(
    "span.two",
    rowLink(app, row),
    span === undefined
      ? null
      : h("button.lnk.s11", { onclick: () => app.go({ tab2: "source", sel: row, tab: "rule" }) },
          `line ${app.model.spanText(span).line}`),
  );
}

/** Left side, right side, condition. */
function drawFormula(rule) {
  return h(
    "div.ruletext.mono",
    rule.lhs ? h("div", h("span.st-removed", "− "), rule.lhs) : null,
    rule.rhs ? h("div", h("span.st-added", "+ "), rule.rhs) : null,
    rule.where ? h("div.mut", "  where " + rule.where) : null,
  );
}
function copy(text) {
  if (navigator.clipboard) navigator.clipboard.writeText(text);
}

/** Errors of both sides as measured on samples. */
function drawEvidence(evidence) {
  const { samples, same, left, right } = evidence;
  const head = `Evidence on ${samples} samples: ${same === samples ? "all bits equal" : same + " equal"}`;
  if (same === samples) return h("div.sec", h("span.good", "✓ "), head);
  if (!left[1] && !right[1]) return h("div.sec", head + ", else one side is no number");
  const worse = right[1] > left[1] ? "td.num.warn" : "td.num.good";
  const figure = (x) => (x >= 1e4 ? x.toExponential(1) : String(+x.toPrecision(2)));
  const line = (name, side, cls) => h("tr", h("td", name), side.map((x) => h(cls, figure(x))));
  return h(
    "div.sec",
    h("div.mut.s11", head + ", else the error in ulp"),
    h(
      "table.ev",
      h("thead", h("tr", h("th"), h("th.num", "median"), h("th.num", "99 %"))),
      h("tbody", line("before", left, "td.num"), line("after", right, worse)),
    ),
  );
}

/** Evidence that is not in this document: a live page can ask for it. */
function drawUnmeasured(app, number) {
  return app.ask
    ? h("div.sec", h("button.btn", { onclick: () => app.ask({ evidence: number }) }, "measure this rule"))
    : null;
}

/** Where a rule comes from. */
function drawOrigin(rule) {
  const facts = [
    ["rule", rule.file && h("span.mono", rule.file + (rule.line ? ":" + rule.line : ""))],
    ["source", rule.source],
    ["Theano", rule.answers && rule.answers.join(", ")],
    ["promise", rule.promise],
  ];
  return h(
    "div.sec",
    h(
      "div.kv",
      facts.filter((f) => f[1]).map(([name, text]) => [h("span", name), h("span", text)]),
    ),
  );
}

/** Which rules fired in a pass, and how often. */
function drawTally(app, numbers) {
  const { events, rules } = app.model.doc,
    tally = new Map();
  numbers.forEach((e, i) => {
    const key = events.rule[e] >= 0 ? rules[events.rule[e]].name : events.kind[e];
    (tally.get(key) || tally.set(key, []).get(key)).push(i + 1);
  });
  if (!tally.size) return h("div.sec.mut", "No rule fired in this pass.");
  return [
    drawBreach(app, app.model.passes[app.state.pass]),
    h(
      "div.sec",
      h("div.mut.s11", "Rules that fired in this pass"),
      [...tally].map(([name, at]) => {
        const e = numbers[at[0] - 1],
          rule = rules[events.rule[e]];
        return h(
          "div.tally",
          h("button.lnk", { onclick: () => app.go({ event: at[0] }) }, name),
          h("span.mut", `  ${at.length}×`),
          rule ? h("div.mono.mut.s11", `${rule.lhs} → ${rule.rhs}`) : null,
        );
      }),
    ),
  ];
}

/** What is said of a broken check before the inspector is opened. */
function drawAlarm(app) {
  const { check } = app.model.doc,
    row = check && check.rows.find((r) => !r.ok);
  if (!row) return null;
  return h(
    "div.sec.breach",
    { role: "alert" },
    h("b", `! ${row.name}: ${row.before} → ${row.after}`),
    `, promised: ${row.contract || "no change"}. `,
    h(
      "button.lnk",
      { onclick: () => app.go({ view: "passes", open: true, pass: row.pass, event: row.event || 0, tab: "rule" }) },
      row.rule ? `firing ${row.event}, ${row.rule}` : "look",
    ),
  );
}

/** A red banner where the check found a pass, or the firing shown, to be wrong. */
function drawBreach(app, pass) {
  const row = app.model.checkRow(pass);
  if (!row || row.ok) return null;
  const here = row.event && row.event === app.state.event;
  return h(
    "div.sec.breach",
    { role: "alert" },
    h("b", here ? "! This firing broke the check" : "! This pass broke its contract"),
    h("div", `${here ? row.jump : `${row.before} → ${row.after}`}, promised: ${row.contract || "no change"}`),
    row.worst ? h("div.mono.s11", row.worst) : null,
    row.event && !here
      ? h(
          "button.lnk",
          { onclick: () => app.go({ pass: row.pass, event: row.event }) },
          `firing ${row.event}, ${row.rule}`,
        )
      : null,
  );
}

/** What a numeric check found, pass by pass. */
function drawCheckPane(app) {
  const check = app.model.doc.check,
    name = app.model.doc.meta.name;
  if (!check)
    return h(
      "div.sec.mut",
      "Not checked yet. ",
      h("code", `${name}.check(inputs)`),
      " compares every pass with a run in wider floats; ",
      h("code", `%symcheck ${name}(…)`),
      " shows it here.",
    );
  const rows = check.rows.filter((r) => r.contract || r.pass === app.model.passes.length - 1 || !r.ok);
  return [
    h(
      check.ok ? "div.sec" : "div.sec.breach",
      { role: check.ok ? "status" : "alert" },
      h(check.ok ? "b.good" : "b", check.ok ? "✓ Every pass within its contract" : "! A pass broke its contract"),
      h("div.mut.s11", `${check.sizes}; error in ulp of each result's largest magnitude`),
      check.missing
        ? h("div.mut.s11", `${check.missing} of ${check.judged + check.missing} elements have no number as written`)
        : null,
    ),
    h(
      "table.ev",
      h("thead", h("tr", h("th", "pass"), h("th", "contract"), h("th.num", "before"), h("th.num", "after"))),
      h("tbody", rows.map((row) => drawCheckRow(app, row))),
    ),
  ];
}

/** One pass; a broken one tells where and why, the one shown its firings. */
function drawCheckRow(app, row) {
  const shown = row.pass === app.state.pass && row.name !== "compiled";
  const cut = (text) => text.replace(" ulp", "");
  const main = h(
    `tr${row.ok ? "" : ".broke"}${shown ? ".sel" : ""}`,
    { onclick: () => app.go({ pass: row.pass, tab: "check", event: row.event || 0 }) },
    h("td", row.name),
    h("td.mut", row.contract || "C"),
    h("td.num", cut(row.before)),
    badge({ state: row.state, text: cut(row.after) }, "td.num"),
  );
  const more = [];
  if (!row.ok) more.push(h("div.mono", row.worst || ""), row.rule ? h("div", `firing ${row.event}, ${row.rule}: ${row.jump}`) : null);
  if (shown && row.firings)
    row.firings.forEach(([name, after, ok], i) =>
      more.push(
        h(
          "button.two",
          { onclick: () => app.go({ event: i + 1, tab: "check" }) },
          h("span", `${i + 1} ${name}`),
          badge({ state: ok ? "ok" : "bad", text: after }),
        ),
      ),
    );
  else if (shown && row.contract && app.ask)
    more.push(h("button.btn", { onclick: () => app.ask({ firings: row.name }) }, "each firing"));
  return more.length ? [main, h(row.ok ? "tr" : "tr.broke", h("td", { colspan: 4 }, more))] : main;
}

/** The graph's text before and after a pass. */
function drawTextPane(app) {
  const { model, state } = app,
    lines = model.passes[state.pass].text;
  if (!lines) return h("div.sec.mut", "This pass changed nothing.");
  const names = { "-": "removed", "+": "added" };
  const call = (row, inputs) =>
    model.kind(row) === "op"
      ? `${model.label(row)}(${[...inputs.map((i) => model.short(i)), model.text("params", row)].filter(Boolean).join(", ")})`
      : model.kind(row);
  return h(
    "div.code",
    { role: "list" },
    lines.map(([mark, row, inputs]) =>
      row < 0
        ? h("div.ln.mut", h("i"), h("u", "…"))
        : h(
            "div.ln" + (names[mark] ? ".df-" + names[mark] : ""),
            {
              role: "listitem",
              "data-r": row,
              "data-symnb-diff": mark,
              onclick: () => app.go({ sel: row, tab: "text" }),
              onmouseenter: () => app.over([row]),
              onmouseleave: () => app.over(null),
            },
            h("i", mark === "-" ? "−" : mark),
            h("u", `${model.short(row)} = ${call(row, inputs)}`, h("span.mut", ` : ${model.text("type", row)}`)),
          ),
    ),
  );
}
