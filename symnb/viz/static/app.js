// What hands do: zoom, pan, find, keys. The class the page makes.

class App extends Views {
  // zoom and pan --------------------------------------------------------------------
  size(pic) {
    const view = this.views[0];
    const fit = Math.min(
      1,
      Math.max((view.clientWidth - 2) / pic.w, this.state.view === "passes" ? 0.8 : 0.7),
    );
    const k = this.state.zoom || fit;
    this.scale = k;
    for (const v of this.views) {
      const svg = v.firstElementChild;
      svg.setAttribute("width", Math.round(pic.w * k));
      svg.setAttribute("height", Math.round(pic.h * k));
    }
    if (this.at.zoom) this.at.zoom.textContent = `${Math.round(k * 100)} %`;
    const first =
      view.querySelector("[data-symnb-match]") ||
      view.querySelector(".n.added,.n.removed,.n.rewired,.n.merged");
    view.scrollLeft = (view.scrollWidth - view.clientWidth) / 2;
    const kernel = this.state.view !== "passes" && this.model.kernels[this.state.kernel];
    const inside =
      kernel && view.querySelector(kernel.nodes.map((r) => `[data-symnb-node="${r}"]`).join(",") || "no");
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
  zoom(factor) {
    this.go({ zoom: Math.min(3, Math.max(0.2, (this.scale || 1) * factor)) });
  }
  fit() {
    const v = this.views[0],
      svg = v.firstElementChild.viewBox.baseVal;
    this.go({ zoom: Math.min(1.5, v.clientWidth / svg.width, v.clientHeight / svg.height) });
  }
  reveal(element) {
    const v = element.closest(".view");
    if (!v) return;
    const a = element.getBoundingClientRect(),
      b = v.getBoundingClientRect();
    if (a.left < b.left || a.right > b.right) v.scrollLeft += a.left - b.left - b.width / 2 + a.width / 2;
    if (a.top < b.top || a.bottom > b.bottom) v.scrollTop += a.top - b.top - b.height / 2 + a.height / 2;
  }
  pan(view) {
    view.addEventListener(
      "wheel",
      (e) => {
        if (e.ctrlKey) {
          e.preventDefault();
          this.zoom(e.deltaY < 0 ? 1.1 : 1 / 1.1);
        }
      },
      { passive: false },
    );
    view.addEventListener("pointerdown", (e) => {
      if (e.target.closest(".n")) return;
      const move = (m) => {
        view.scrollLeft -= m.movementX;
        view.scrollTop -= m.movementY;
      };
      const stop = () => {
        removeEventListener("pointermove", move);
        removeEventListener("pointerup", stop);
      };
      addEventListener("pointermove", move);
      addEventListener("pointerup", stop);
    });
  }

  // find ----------------------------------------------------------------------------
  find(text, step = 0) {
    const { model, state } = this;
    const want = text.toLowerCase();
    const nodes = [...this.root.querySelectorAll(".view [data-symnb-node]")];
    const hits = nodes.filter((n) => {
      n.classList.remove("hit");
      const row = +n.dataset.symnbNode;
      return want && (model.title(row) + " " + model.text("name", row)).toLowerCase().includes(want);
    });
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
      if (e.key === "Escape") {
        this.find("");
        target.value = "";
        this.root.focus();
      }
      if (e.key === "Enter") {
        this.find(target.value, e.shiftKey ? -1 : 1);
      }
      return;
    }
    if (!state.open) {
      if (e.key === "Enter" && target === this.root) {
        e.preventDefault();
        this.go({ view: "passes", open: true });
      }
      return;
    }
    const change = this.keyChange(e.key, model.passes[state.pass]);
    if (change === undefined) return;
    e.preventDefault();
    if (change) this.go(change);
  }

  /** What a key changes: an object, null when it was handled here, undefined when unknown. */
  keyChange(key, pass) {
    const { state, model } = this,
      n = model.events(pass).length;
    const shown = model.passes.map((p, i) => (p.picture || state.all ? i : -1)).filter((i) => i >= 0);
    const where = shown.indexOf(state.pass);
    switch (key) {
      case "j":
      case "ArrowDown":
        return { pass: shown[Math.min(shown.length - 1, where + 1)] };
      case "k":
      case "ArrowUp":
        return { pass: shown[Math.max(0, where - 1)] };
      case "l":
      case "ArrowRight":
        return { event: Math.min(n, state.event + 1) };
      case "h":
      case "ArrowLeft":
        return { event: Math.max(0, state.event - 1) };
      case "1":
      case "2":
      case "3":
      case "4":
        return { mode: MODES[+key - 1] };
      case "f":
        this.fit();
        return null;
      case "+":
      case "=":
        this.zoom(1.2);
        return null;
      case "-":
        this.zoom(1 / 1.2);
        return null;
      case "/":
        this.root.querySelector(".find").focus();
        return null;
      case "n":
      case "N":
        this.find(state.find, key === "n" ? 1 : -1);
        return null;
      case "?":
        return { help: !state.help };
      case "Escape":
        if (state.help) return { help: false };
        if (state.sel !== null || state.event) return { sel: null, event: 0 };
        return { open: false };
    }
    return undefined;
  }
}
