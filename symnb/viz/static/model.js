// The trace document, decoded: names, states and links by row. Nothing is drawn here.

/** @typedef {{row:number, kind:string, label:string, type:string}} Node */

class Model {
  /** @param {any} doc a document of schema symnb.trace/1 */
  constructor(doc) {
    this.doc = doc;
    this.passes = doc.passes;
    this.kernels = doc.kernels || [];
    this.ns = new Map((doc.profile && doc.profile.nodes) || []);
    this.inputs = doc.nodes.in.map((i) => i);
    this.spanRows = doc.spans.map(() => []);
    doc.nodes.spans.forEach((spans, row) => spans.forEach((s) => this.spanRows[s].push(row)));
    this.home = new Map();
    this.kernels.forEach((k, i) => k.nodes.forEach((row) => this.home.set(row, i)));
    this.source = this.#numberSpans();
  }

  /** A column of the node table as text. */
  text(column, row) {
    return this.doc.str[this.doc.nodes[column][row]];
  }
  kind(row) {
    return row < 0 ? this.doc.meta.sinks[-1 - row][1] : this.text("kind", row);
  }
  label(row) {
    return row < 0 ? this.doc.meta.sinks[-1 - row][0] : this.text("label", row);
  }
  /** "n12 log", "X" */
  title(row) {
    return this.kind(row) === "op" ? `n${row} ${this.label(row)}` : this.label(row);
  }
  /** "n12", "X": what a row is called in the text. */
  short(row) {
    return this.kind(row) === "op" ? `n${row}` : this.label(row);
  }
  /** What the check says of a pass. */
  checkRow(pass) {
    const rows = (this.doc.check || { rows: [] }).rows;
    return rows.find((r) => this.passes[r.pass] === pass && r.contract);
  }
  /** The badge of one firing, where the check looked at each. */
  firingCheck(pass, event) {
    const row = this.checkRow(pass),
      found = row && row.firings && row.firings[event - 1];
    return found ? badge({ state: found[2] ? "ok" : "bad", text: found[1] }) : null;
  }
  type(row) {
    const text = this.text("type", row);
    if (this.kind(row) === "constant" && text.endsWith("[]")) return "";
    return text.length > 26 ? text.slice(0, 25) + "…" : text;
  }

  /** Row -> added, removed, rewired or merged in a pass. */
  states(pass) {
    const state = new Map();
    for (const name of ["rewired", "added", "removed"])
      for (const row of pass[name] || []) state.set(row, name);
    for (const [victim, survivor] of pass.merged || []) {
      state.set(victim, "merged");
      state.set(survivor, "merged");
    }
    return state;
  }

  /** Events of a pass: their numbers in the event table. */
  events(pass) {
    const out = [];
    for (let i = pass.events[0]; i < pass.events[1]; i++) out.push(i);
    return out;
  }

  /** The firing a state shows: rows matched, and the row made. */
  fired({ pass, event }) {
    const e = this.passes[pass].events[0] + event - 1;
    return { match: this.doc.events.match[e], made: this.doc.events.new[e] };
  }

  /**
   * Drawn rows a firing is about: those it matched. A row made and replaced within the
   * pass is not drawn; then it is the row that stands in its place after the pass.
   */
  matched(pass, e) {
    const { match, old, new: made } = this.doc.events;
    const drawn = new Set(pass.picture.nodes.filter((_, i) => i % 4 === 0));
    for (const stub of pass.picture.stubs) if (stub[6]) drawn.add(stub[0]);
    const seen = match[e].filter((row) => drawn.has(row));
    if (seen.length) return seen;
    let row = made[e];
    for (let k = e + 1; k < pass.events[1]; k++) if (old[k] === row) row = made[k];
    return drawn.has(row) ? [row] : [];
  }

  /** Number of each span, 1 and up, in the order of the text; by line if they are many. */
  #numberSpans() {
    const spans = this.doc.spans;
    const order = spans.map((_, i) => i).filter((i) => this.spanRows[i].length);
    const size = (s) => (s[3] - s[1]) * 1000 + s[4] - s[2];
    order.sort(
      (a, b) =>
        spans[a][0] - spans[b][0] ||
        spans[a][1] - spans[b][1] ||
        spans[a][4] - spans[b][4] ||
        size(spans[a]) - size(spans[b]),
    );
    const number = new Map();
    const lines = new Map();
    const byLine = order.length > 8;
    for (const i of order) {
      const key = byLine ? spans[i][0] + ":" + spans[i][1] : i;
      if (!lines.has(key)) lines.set(key, lines.size + 1);
      number.set(i, lines.get(key));
    }
    return number;
  }

  /** Numbers of the spans a row comes from. */
  chips(row) {
    const found = new Set();
    for (const s of (row >= 0 && this.doc.nodes.spans[row]) || [])
      if (this.source.has(s)) found.add(this.source.get(s));
    return [...found];
  }

  /** "line 6, log(p)" of a span. */
  spanText(span) {
    const [source, first, from, last, to] = this.doc.spans[span];
    const { text, first: start, name } = this.doc.sources[source];
    const line = text.split("\n")[first - start] || "";
    const cut = first === last ? line.slice(from, to) : line.slice(from) + " …";
    return { line: first, text: cut.trim(), source: name };
  }

  /** What a source line is called in the legend: the name it assigns, else its start. */
  lineName(span) {
    const [source, first] = this.doc.spans[span];
    const line = (
      this.doc.sources[source].text.split("\n")[first - this.doc.sources[source].first] || ""
    ).trim();
    if (line.startsWith("# %%")) return line.slice(2).replace(/\(.*/, "");
    const name = line.match(/^([\w, ]+?)\s*[-+*/@]?=(?!=)/);
    return (name ? name[1] : line).slice(0, 14);
  }

  /** Lines of a kernel that compute a row. */
  kernelLines(row) {
    const index = this.home.get(row);
    if (index === undefined) return null;
    const lines = this.kernels[index].lines.filter((l) => l[2].includes(row));
    return { index, lines: lines.map((l) => [l[0], l[1]]) };
  }

  /** The story of one row: [text, what to show on click, whether it is the present]. */
  lineage(row, present) {
    const crumbs = [];
    const spans = this.doc.nodes.spans[row];
    if (spans.length) {
      const at = this.spanText(spans[0]);
      crumbs.push([`line ${at.line}, ${at.text.slice(0, 40)}`, { tab2: "source" }]);
    }
    this.passes.forEach((pass, i) => {
      const here = i === present;
      for (const e of this.events(pass)) {
        const { rule, old, new: made } = this.doc.events;
        if (made[e] === row && old[e] !== row) {
          crumbs.push([this.title(old[e]), { sel: old[e] }]);
          const name = rule[e] >= 0 ? this.doc.rules[rule[e]].name : this.doc.events.kind[e];
          crumbs.push([`${name}, ${pass.name}`, { pass: i, sel: row }, here]);
          crumbs.push([this.title(row), { sel: row }]);
        }
      }
      const state = this.states(pass).get(row);
      if (state && state !== "added") crumbs.push([`${state} in ${pass.name}`, { pass: i }, here]);
    });
    const lines = this.kernelLines(row);
    if (lines) {
      const kernel = this.kernels[lines.index];
      crumbs.push([`in ${kernel.name}`, { view: "kernels", kernel: lines.index }]);
      if (lines.lines.length)
        crumbs.push([
          `line ${lines.lines.map((l) => (l[0] === l[1] ? l[0] : l.join("–"))).join(", ")}`,
          { view: "kernels", kernel: lines.index },
        ]);
    }
    if (this.ns.has(row)) crumbs.push([time(this.ns.get(row)), { view: "profile" }]);
    return crumbs.length ? crumbs : [[this.title(row), {}]];
  }
}

/** "1 node", "2 nodes" */
function many(n, word) {
  return `${n} ${word}${n === 1 ? "" : "s"}`;
}

/** Nanoseconds in a readable unit. */
function time(ns) {
  if (ns < 1e3) return `${Math.round(ns)} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toPrecision(3)} µs`;
  return ns < 1e9 ? `${(ns / 1e6).toPrecision(3)} ms` : `${(ns / 1e9).toPrecision(3)} s`;
}

/** Bytes in a readable unit. */
function bytes(n) {
  if (n === null || n === undefined) return "";
  if (typeof n === "string") return (n.length > 22 ? n.slice(0, 21) + "…" : n) + " B";
  if (n < 1000) return `${n} B`;
  return n < 1e6 ? `${(n / 1e3).toPrecision(3)} kB` : `${(n / 1e6).toPrecision(3)} MB`;
}
