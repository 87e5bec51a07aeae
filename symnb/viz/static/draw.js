// Elements, and the drawing of a picture: boxes, edges, copies, brackets.

const GLYPH = { added: "+", removed: "−", rewired: "~", merged: "=" };
const NS = "http://www.w3.org/2000/svg";

/** Set attributes and handlers, append children; text is never read as markup. */
function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat(9))
    if (child !== null && child !== undefined && child !== false) element.append(child);
  return element;
}

/** An HTML element; "button.btn" carries a class; attributes may be left out. */
function h(name, ...children) {
  const attributes = children[0] && children[0].constructor === Object ? children.shift() : null;
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  return fill(element, attributes, children);
}

/** An SVG element. */
function s(name, ...children) {
  const attributes = children[0] && children[0].constructor === Object ? children.shift() : null;
  return fill(document.createElementNS(NS, name), attributes, children);
}

/** Path data through points joined by vertical and horizontal lines, corners round. */
function rounded(p, radius = 7) {
  let d = `M${p[0]} ${p[1]}`;
  for (let i = 2; i < p.length - 2; i += 2) {
    const [x0, y0, x, y, x1, y1] = p.slice(i - 2, i + 4);
    const r = Math.min(
      radius,
      (Math.abs(x - x0) + Math.abs(y - y0)) / 2,
      (Math.abs(x1 - x) + Math.abs(y1 - y)) / 2,
    );
    const g = Math.sign;
    d += `L${x - r * g(x - x0)} ${y - r * g(y - y0)}Q${x} ${y} ${x + r * g(x1 - x)} ${y + r * g(y1 - y)}`;
  }
  return d + `L${p[p.length - 2]} ${p[p.length - 1]}`;
}

/** Points of a route from its x, y, x, ... form. */
function points(path, top, bottom) {
  const p = [path[0], top];
  for (let i = 1; i < path.length; i += 2) p.push(p[p.length - 2], path[i], path[i + 1], path[i]);
  p.push(p[p.length - 2], bottom);
  return p;
}

/** Outline of a node of some kind. */
function outline(kind, x, y, w, hh, cls = "o") {
  const l = x - w / 2,
    r = x + w / 2,
    b = y + hh;
  if (kind === "constant")
    return s("path", {
      class: cls,
      d: `M${l} ${y + hh / 2}L${l + 7} ${y}H${r - 7}L${r} ${y + hh / 2}L${r - 7} ${b}H${l + 7}z`,
    });
  if (kind === "output")
    return s("path", { class: cls, d: `M${l} ${y}H${r}V${b - 7}L${x} ${b}L${l} ${b - 7}z` });
  const rx = kind === "input" ? hh / 2 : kind === "op" ? 4 : 2;
  const box = s("rect", { class: cls, x: l, y, width: w, height: hh, rx });
  if (kind !== "shared" && kind !== "update") return box;
  return s("g", box, s("path", { class: cls, d: `M${l + 4} ${y}V${b}M${r - 4} ${y}V${b}` }));
}

/** Four corner brackets round a box. */
function brackets(x, y, w, hh) {
  const l = x - w / 2 - 4,
    r = x + w / 2 + 4,
    t = y - 4,
    b = y + hh + 4,
    c = 7;
  return s("path", {
    class: "br",
    d: `M${l} ${t + c}V${t}H${l + c}M${r - c} ${t}H${r}V${t + c}M${r} ${b - c}V${b}H${r - c}M${l + c} ${b}H${l}V${b - c}`,
  });
}

/**
 * The drawing of a picture.
 * @param {any} pic picture of a pass
 * @param {Model} model
 * @param {{mode:string, state:Map<number,string>, colour:string, event:any, pick:Function, heat:Function, over:Function}} how
 */
function draw(pic, model, how) {
  const at = new Map();
  for (let i = 0; i < pic.nodes.length; i += 4) at.set(pic.nodes[i], pic.nodes.slice(i + 1, i + 4));
  const neutral = how.mode !== "diff" || how.colour !== "state";
  const hidden = how.mode === "before" ? 2 : how.mode === "after" ? 1 : how.colour === "state" ? 0 : 1;
  const gone = { before: "added", after: "removed" }[hidden === 1 ? "after" : how.mode];
  const victims = new Set((how.merged || []).map((m) => m[0]));
  const shown = (row) =>
    row < 0 || !((gone && how.state.get(row) === gone) || (hidden === 1 && victims.has(row)));
  const layer = s("g", { class: neutral ? "neutral" : "" });
  for (const [title, x, y, w, hh, tab, note] of pic.boxes) {
    const heat = how.boxHeat && how.boxHeat(title);
    layer.append(
      s("rect", { class: "gb", x, y, width: w, height: hh, rx: 3 }),
      s("rect", { class: "gtab", x: tab, y, width: title.length * 6.6 + 16, height: 16, rx: 2 }),
      s("text", { class: "sm", x: tab + 8, y: y + 12 }, title),
      heat
        ? s(
            "g",
            { class: "h" + heat[0] },
            s("rect", { class: "o", x: x + w - 58, y, width: 58, height: 16, rx: 2 }),
            s("text", { class: "sm", x: x + w - 29, y: y + 12, "text-anchor": "middle" }, heat[1]),
          )
        : null,
    );
  }
  for (const [a, b, flag, ...path] of [...pic.routes].sort((p, q) => p[2] - q[2])) {
    if ((hidden && flag === hidden) || !at.has(a) || !at.has(b)) continue;
    const p = points(path, at.get(a)[1] + (a >= 0 ? 24 : 20), at.get(b)[1]);
    layer.append(s("path", { class: "e e" + flag, d: rounded(p) }), arrow(p, "a a" + flag));
  }
  for (const stub of pic.stubs)
    if (!hidden || stub[2] !== hidden) layer.append(drawStub(stub, at, model, how));
  for (const [, x, y, text] of pic.tails)
    layer.append(
      s("path", { class: "dot", d: `M${x} ${y}h11` }),
      s("text", { class: "ty2", x: x + 13, y: y + 3.5 }, "→ " + text),
    );
  if (!hidden)
    for (const m of pic.merges)
      if (m.length > 4) {
        const d = rounded(m.slice(2));
        layer.append(s("path", { class: "m1", d }), s("path", { class: "m2", d }));
      }
  if (!hidden)
    for (const [a, b, ...line] of pic.merges)
      if (!line.length && at.has(a)) {
        const [x, y, w] = at.get(a);
        layer.append(s("text", { class: "ty2 mg", x: x + w / 2 + 6, y: y + 16 }, "= " + model.title(b)));
      }
  for (const [row, box] of at) if (shown(row)) layer.append(drawNode(row, box, model, how, neutral));
  if (how.event) layer.append(drawEvent(how.event, at, pic.stubs));
  return s("svg", { viewBox: `0 0 ${pic.w} ${pic.h}`, role: "tree", "aria-label": how.title }, layer);
}

/** The head of an edge. */
function arrow(p, cls) {
  const x = p[p.length - 2],
    y = p[p.length - 1],
    dx = Math.sign(x - p[p.length - 4]),
    dy = dx ? 0 : 1;
  return s("path", { class: cls, d: dy ? `M${x} ${y}l-2.8 -5.5h5.6z` : `M${x} ${y}l${-5.5 * dx} -2.8v5.6z` });
}

/** One node: outline, chip, label, type; linked rows get a ring. */
function drawNode(row, [x, y, w], model, how, neutral) {
  if (row < 0) {
    const kind = model.kind(row);
    return s(
      "g",
      { class: "sink", role: "treeitem", "aria-label": `${kind} ${model.label(row)}` },
      outline(kind, x, y, w, 20),
      s(
        "text",
        { class: "sm", x, y: y + (kind === "output" ? 13 : 14), "text-anchor": "middle" },
        model.label(row),
      ),
    );
  }
  const kind = model.kind(row);
  const state = neutral ? "" : how.state.get(row) || "";
  const chips = how.colour === "source" && kind === "op" ? model.chips(row).slice(0, 1) : [];
  const heat = how.heat && how.heat(row);
  const attributes = {
    class: `n ${state}${heat ? " h" + heat[0] : ""}`,
    role: "treeitem",
    tabindex: -1,
    "data-symnb-node": row,
    "data-r": row,
    "data-symnb-state": how.state.get(row) || "unchanged",
    "aria-label": `${model.title(row)}, ${model.text("type", row)}${state ? ", " + state : ""}${heat ? ", " + heat[1] : ""}`,
    onclick: (e) => how.pick(row, e),
    onmouseenter: () => how.over([row]),
    onmouseleave: () => how.over(null),
  };
  const middle = x + (state || chips.length ? 9 * Math.max(1, chips.length) : 0);
  const left = x - w / 2 + (kind === "op" ? 7 : 11);
  return s(
    "g",
    attributes,
    outline(kind, x, y, w, 24),
    state === "added" ? s("g", outline(kind, x, y + 2.5, w - 5, 19, "o i2")) : null,
    s("rect", { class: "rg", x: x - w / 2 - 4, y: y - 4, width: w + 8, height: 32, rx: 6 }),
    state
      ? [
          s("rect", { class: "gl", x: left, y: y + 5.5, width: 13, height: 13, rx: 2 }),
          s("text", { class: "gt", x: left + 6.5, y: y + 16, "text-anchor": "middle" }, GLYPH[state]),
        ]
      : null,
    state
      ? null
      : chips.map((c, i) => [
          s("rect", {
            class: `c${((c - 1) % 8) + 1}`,
            style: "fill:var(--c)",
            x: left + 15 * i,
            y: y + 5.5,
            width: 13,
            height: 13,
            rx: 2,
          }),
          s("text", { class: "gt", x: left + 6.5 + 15 * i, y: y + 16, "text-anchor": "middle" }, c),
        ]),
    s(
      "text",
      { x: middle, y: y + 16, "text-anchor": "middle" },
      model.label(row),
      (heat ? heat[1] : model.type(row))
        ? s("tspan", { class: "ty2", dx: 6 }, heat ? heat[1] : model.type(row))
        : null,
    ),
  );
}

/** The copy of a far source, or a constant, beside its user. */
function drawStub([source, target, flag, x, y, w, own], at, model, how) {
  const [tx, ty, tw] = at.get(target);
  const end = tx - tw / 2,
    aim = ty + (target >= 0 ? 12 : 10);
  const state = own && how.mode === "diff" && how.colour === "state" ? how.state.get(source) || "" : "";
  const bend =
    Math.abs(aim - y - 9) < 9
      ? `M${x + w / 2} ${y + 9}H${end}`
      : `M${x + w / 2} ${y + 9}H${end - 5}L${end} ${aim + (y + 9 > aim ? 7 : -7)}`;
  const attributes = own
    ? {
        "data-symnb-node": source,
        "data-symnb-state": how.state.get(source) || "unchanged",
        role: "treeitem",
      }
    : {};
  const far = !own && at.get(source),
    full = far
      ? s("path", {
          class: "hot",
          d: `M${far[0]} ${far[1] + 24}C${far[0]} ${far[1] + 90} ${x} ${y - 70} ${x} ${y}`,
        })
      : null;
  const enter = (e) => {
    how.over([source]);
    if (full) e.target.parentNode.append(full);
  };
  const leave = () => {
    how.over(null);
    if (full) full.remove();
  };
  return s(
    "g",
    {
      class: `n ${own ? state : "copy"}`,
      "data-r": source,
      "aria-label": model.title(source),
      ...attributes,
      onclick: (e) => how.pick(source, e),
      onmouseenter: enter,
      onmouseleave: leave,
    },
    s("path", { class: own ? `e e${flag}` : "dot", d: bend }),
    outline(model.kind(source), x, y, w, 18),
    s("rect", { class: "rg", x: x - w / 2 - 3, y: y - 3, width: w + 6, height: 24, rx: 6 }),
    s("text", { class: "sm", x, y: y + 13, "text-anchor": "middle" }, model.label(source)),
  );
}

/** Brackets round what a rule matched, and the names of its holes. */
function drawEvent(event, at, stubs) {
  const g = s("g", { "pointer-events": "none" });
  const place = new Map([...at].map(([row, [x, y, w]]) => [row, [x, y, w, 24]]));
  for (const [source, , , x, y, w, own] of stubs) if (own) place.set(source, [x, y, w, 18]);
  for (const row of event.match)
    if (place.has(row)) {
      const b = brackets(...place.get(row));
      b.setAttribute("data-symnb-match", row);
      g.append(b);
    }
  for (const [name, row] of event.bind)
    if (at.has(row)) {
      const [x, y, w] = at.get(row),
        text = `${name} in rule`,
        width = text.length * 6.4 + 10;
      g.append(
        s("rect", { class: "tag", x: x + w / 2 + 5, y: y + 4, width, height: 16, rx: 3 }),
        s("text", { class: "tagt", x: x + w / 2 + 5 + width / 2, y: y + 16, "text-anchor": "middle" }, text),
      );
    }
  return g;
}

/** Kernels from left to right; alone they may be wider than beside another picture. */
function drawKernels(pic, alone) {
  const layer = s("g");
  for (const p of pic.routes)
    layer.append(
      s("path", { class: "e", d: rounded(p) }),
      s("path", { class: "a", d: `M${p[p.length - 2]} ${p[p.length - 1]}l-5.5 -2.8v5.6z` }),
    );
  for (const [kind, title, below, x, y, w, hh] of pic.boxes) {
    const left = x - w / 2;
    const shape =
      kind === "output"
        ? s("path", {
            class: "o",
            d: `M${left} ${y - 10}H${x + w / 2 - 6}L${x + w / 2} ${y}L${x + w / 2 - 6} ${y + 10}H${left}z`,
          })
        : outline(kind, x, y - hh / 2, w, hh);
    layer.append(
      s(
        "g",
        { class: kind === "output" || kind === "update" ? "sink" : "" },
        shape,
        s(
          "text",
          {
            x: kind === "op" ? left + 11 : x,
            y: y + (below ? -3 : 4),
            "text-anchor": kind === "op" ? "start" : "middle",
          },
          title,
        ),
        below ? s("text", { class: "ty2", x: left + 11, y: y + 12 }, below) : null,
      ),
    );
  }
  const k = Math.max(0.6, Math.min(1, (alone ? 1000 : 640) / pic.w, 330 / pic.h));
  return s(
    "svg",
    {
      width: Math.round(pic.w * k),
      height: Math.round(pic.h * k),
      viewBox: `0 0 ${pic.w} ${pic.h}`,
      role: "img",
    },
    layer,
  );
}

/** The graph as written, shapes only; tall ones are shrunk. */
function drawShapes(pic) {
  const layer = s("g");
  for (const [a, b] of pic.edges) {
    const [, x0, y0] = pic.nodes[a],
      [, x1, y1] = pic.nodes[b],
      m = (y0 + y1 + 7) / 2;
    layer.append(s("path", { class: "e", d: `M${x0} ${y0 + 7}C${x0} ${m} ${x1} ${m} ${x1} ${y1}` }));
  }
  for (const [kind, x, y] of pic.nodes)
    layer.append(
      s("g", { class: kind === "op" ? "" : "sink" }, outline(kind === "constant" ? "op" : kind, x, y, 20, 7)),
    );
  const k = Math.min(1, 230 / pic.h);
  return s(
    "svg",
    {
      width: Math.round(pic.w * k),
      height: Math.round(pic.h * k),
      viewBox: `0 0 ${pic.w} ${pic.h}`,
      role: "img",
    },
    layer,
  );
}
