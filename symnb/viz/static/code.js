// The user's cell and the generated code: coloured words, numbered spans, linked lines.

const WORDS = {
  c: /(\/\*.*?\*\/|\/\/.*)|("(?:\\.|[^"\\])*")|\b(for|if|else|return|static|const|void|while|do|break|inline|restrict|typedef|struct|goto|switch|case)\b|\b(u?int\d*_t|float|double|int|char|size_t|long|bool)\b|\b(\d[\w.]*)\b/g,
  py: /(#.*)|("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|\b(def|return|for|in|if|else|lambda|import|from|as|and|or|not|True|False|None|with|while|class)\b|(^%%?\w+|@\w+)|\b(\d[\w.]*)\b/g,
};
const CLASSES = { c: ["", "q", "d", "k", "y", "d"], py: ["", "q", "d", "k", "g", "d"] };

/** Class of every character of a line. */
function classes(line, language) {
  const found = new Array(line.length).fill("");
  for (const match of line.matchAll(WORDS[language])) {
    const group = match.findIndex((m, i) => i && m !== undefined);
    found.fill(CLASSES[language][group], match.index, match.index + match[0].length);
  }
  return found;
}

/** Number chips of some rows. */
function chipsOf(numbers) {
  return h(
    "span.chips",
    numbers.map((n) => h(`span.chip.c${((n - 1) % 8) + 1}`, { title: `source ${n}` }, String(n))),
  );
}

/**
 * A source text with its spans.
 * @param {Model} model
 * @param {number} index which source
 * @param {{over:Function, pick:Function}} how
 */
function drawSource(model, index, how) {
  const { text, first } = model.doc.sources[index];
  const lines = text.split("\n");
  const owner = lines.map((l) => new Array(l.length).fill(-1));
  const spans = [...model.source.keys()].filter((i) => model.doc.spans[i][0] === index);
  const size = (i) => {
    const [, a, b, c, d] = model.doc.spans[i];
    return (c - a) * 10000 + d - b;
  };
  for (const i of spans.sort((a, b) => size(b) - size(a))) {
    const [, a, from, b, to] = model.doc.spans[i];
    for (let l = a; l <= b; l++)
      if (owner[l - first])
        owner[l - first].fill(i, l === a ? from : 0, l === b ? to : owner[l - first].length);
  }
  return h(
    "div.code",
    { role: "list" },
    lines.map((line, n) => {
      // The magic's line is a comment to Python; it is shown as it was typed.
      const start = line.startsWith("# %%") ? 2 : 0;
      const kinds = [...new Array(start).fill(""), ...classes(line.slice(start), "py")],
        parts = [],
        numbers = new Set();
      for (let i = start; i < line.length;) {
        let j = i + 1;
        while (j < line.length && kinds[j] === kinds[i] && owner[n][j] === owner[n][i]) j++;
        const span = owner[n][i],
          word = line.slice(i, j);
        if (span < 0) parts.push(kinds[i] ? h("span." + kinds[i], word) : word);
        else {
          const number = model.source.get(span),
            rows = model.spanRows[span];
          numbers.add(number);
          parts.push(
            h(
              `span.sp.c${((number - 1) % 8) + 1}`,
              {
                "data-r": rows.join(" "),
                "data-span": span,
                onmouseenter: () => how.over(rows),
                onmouseleave: () => how.over(null),
                onclick: () => how.pick(rows),
              },
              kinds[i] ? h("span." + kinds[i], word) : word,
            ),
          );
        }
        i = j;
      }
      return h(
        "div.ln",
        { role: "listitem" },
        h("i", String(first + n)),
        h("u", parts),
        chipsOf([...numbers].sort((a, b) => a - b)),
      );
    }),
  );
}

/** A kernel's text; each line knows its rows. */
function drawKernel(model, index, how) {
  const kernel = model.kernels[index];
  const rows = new Map();
  for (const [first, last, members] of kernel.lines)
    for (let l = first; l <= last; l++) rows.set(l, [...new Set([...(rows.get(l) || []), ...members])]);
  return h(
    "div.code",
    { role: "list" },
    kernel.text.split("\n").map((line, n) => {
      const mine = rows.get(n + 1) || [];
      const numbers = [...new Set(mine.flatMap((r) => model.chips(r)))].sort((a, b) => a - b).slice(0, 4);
      const kinds = classes(line, "c"),
        parts = [];
      for (let i = 0; i < line.length;) {
        let j = i + 1;
        while (j < line.length && kinds[j] === kinds[i]) j++;
        parts.push(kinds[i] ? h("span." + kinds[i], line.slice(i, j)) : line.slice(i, j));
        i = j;
      }
      const attributes = mine.length
        ? {
            "data-r": mine.join(" "),
            "data-c": numbers.length,
            tabindex: 0,
            "data-line": n + 1,
            onmouseenter: () => how.over(mine),
            onmouseleave: () => how.over(null),
            onclick: () => how.pick(mine),
            onkeydown: (e) => e.key === "Enter" && how.pick(mine),
          }
        : {};
      return h(
        `div.ln${numbers.length ? ".c" + (((numbers[0] - 1) % 8) + 1) : ""}`,
        { role: "listitem", ...attributes },
        h("i", String(n + 1)),
        h("u", parts),
        chipsOf(numbers),
      );
    }),
  );
}
