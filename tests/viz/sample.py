"""A softmax-regression step as a story, made by hand: nodes, passes, kernels, profile.

Stands for a real compile where a test wants known counts: each object has exactly the
attributes the inspector reads, nothing more. The graph is the one of a notebook cell
that trains softmax regression with updates of W and b.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symnb.viz.document import Story

CELL = """%%symfunc step(X: f32[n, 64], y: i32[n]) --check --profile 200
n = X.shape[0]
z = X @ W + b
e = exp(z)
p = e / e.sum(1, keepdims=True)
loss = -log(p)[arange(n), y].mean()
acc = eq(p.argmax(1), y).mean()
gW, gb = grad(loss, [W, b])
update(W, W - 0.5 * gW)
update(b, b - 0.5 * gb)
loss, acc"""


@dataclass(frozen=True)
class SampleSource:
    filename: str
    label: str
    text: str


SOURCE = SampleSource("cell-4", "cell 4", CELL)


@dataclass(frozen=True)
class SampleSite:
    span: tuple[int, int, int, int]
    source: SampleSource = SOURCE


@dataclass(frozen=True)
class SampleOp:
    name: str
    params: tuple[str, ...] = ()
    kind: str = "op"


OPS: dict[tuple[str, ...], SampleOp] = {}


@dataclass(frozen=True)
class SampleType:
    dtype: str
    shape: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


@dataclass(eq=False)
class SampleNode:
    op: SampleOp
    inputs: tuple[SampleNode, ...]
    params: tuple[Any, ...]
    type: SampleType
    name: str | None = None
    site: SampleSite | None = None
    value: Any = None


@dataclass(frozen=True)
class SampleGraph:
    outputs: tuple[SampleNode, ...]

    @property
    def order(self) -> list[SampleNode]:
        seen: dict[SampleNode, bool] = {}
        stack = [(node, False) for node in reversed(self.outputs)]
        while stack:
            node, ready = stack.pop()
            if ready:
                seen[node] = True
            elif node not in seen:
                seen[node] = False
                stack.append((node, True))
                stack += [(i, False) for i in reversed(node.inputs) if i not in seen]
        return sorted(seen, key=self._depths(seen).__getitem__)

    def _depths(self, nodes: dict[SampleNode, bool]) -> dict[SampleNode, int]:
        depth: dict[SampleNode, int] = {}
        stack = list(nodes)
        while stack:
            node = stack[-1]
            missing = [i for i in node.inputs if i not in depth]
            if missing:
                stack += missing
            else:
                depth[node] = 1 + max((depth[i] for i in node.inputs), default=-1)
                stack.pop()
        return depth


@dataclass(frozen=True)
class SampleRule:
    name: str
    lhs_text: str
    rhs_text: str
    contract: str
    reason: str = ""
    where_text: str = ""
    source: str = ""
    file: str = "symnb/optim/rules/stability.py"
    line: int = 31


@dataclass
class SampleEvent:
    rule: SampleRule | None
    before: SampleNode
    after: SampleNode
    bindings: dict[str, SampleNode] = field(default_factory=dict)
    kind: str = "rule"


@dataclass
class SampleRecord:
    name: str
    before: SampleGraph
    after: SampleGraph
    events: list[SampleEvent]
    seconds: float
    phase: str = "graph"
    origin: dict[SampleNode, tuple[SampleNode, ...]] = field(default_factory=dict)


@dataclass
class SampleKernel:
    name: str
    source: str
    nodes: list[SampleNode]
    lines: list[tuple[int, int, tuple[SampleNode, ...]]]
    language: str = "c"


@dataclass
class SampleDecision:
    kind: str
    subject: str
    chosen: str
    reason: str
    nodes: tuple[SampleNode, ...] = ()


def site(line: int, text: str, end_text: str = "") -> SampleSite:
    row = CELL.splitlines()[line - 1]
    at = row.index(text)
    return SampleSite((line, at, line, at + len(text)))


def node(
    name: str, *inputs: SampleNode, dtype: str = "f32", shape: Any = (), at: Any = None,
    **params: Any,
) -> SampleNode:  # fmt: skip
    op = OPS.setdefault((name, *params), SampleOp(name, tuple(params)))
    return SampleNode(
        op, inputs, tuple(params.values()), SampleType(dtype, shape), site=at
    )


def leaf(kind: str, name: str | None, dtype: str, shape: Any, value: Any = None) -> Any:
    return SampleNode(
        SampleOp(kind), (), (), SampleType(dtype, shape), name, None, value
    )


LOG_SOFTMAX = SampleRule(
    "log_softmax", "log(exp(x) / sum(exp(x)))", "x - logsumexp(x)", "stabler",
    "exp overflows above x = 88.7 in f32 and log(0) is -inf far below the maximum; "
    "logsumexp shifts by max(x).", "", "Blanchard, Higham & Higham 2021",
)  # fmt: skip
SOFTMAX_OF_EXP = SampleRule(
    "softmax_of_exp",
    "exp(x) / sum(exp(x))",
    "softmax(x)",
    "stabler",
    "overflow",
    line=40,
)
MUL_ONE = SampleRule("mul_one", "x * 1", "x", "bitwise", "", file="symnb/a.py", line=9)

KERNEL_TEXT = """/* k2 softmax_row: 12 ops, one pass over the rows of z; g may be z */
static void k2(int64_t n, const float *z, const float *b,
               const int32_t *y, float *g, float *loss, float *acc)
{
    float nll = 0;
    int64_t hit = 0;
    for (int64_t i = 0; i < n; i++) {          /* row: serial */
        float t[10], m = -INF, s = 0;
        int64_t a = 0;
        for (int64_t j = 0; j < 10; j++)       /* simd */
            t[j] = z[10*i + j] + b[j];
        for (int64_t j = 0; j < 10; j++)
            if (t[j] > m) { m = t[j]; a = j; }
        float e[10];
        for (int64_t j = 0; j < 10; j++) {     /* simd, sum: s */
            e[j] = exp_f32(t[j] - m);
            s += e[j]; }
        const float lse = m + log_f32(s);
        nll += t[y[i]] - lse;
        hit += a == y[i];
        const float r = 1 / s;
        for (int64_t j = 0; j < 10; j++)       /* simd */
            g[10*i + j] = e[j] * r - (j == y[i]);
    }
    *loss = -nll / n;
    *acc = (float)hit / n;
}"""


def story(reproducible: bool = False) -> Story:
    """The whole sample."""
    X = leaf("input", "X", "f32", ("n", 64))
    y = leaf("input", "y", "i32", ("n",))
    W = leaf("shared", "W", "f32", (64, 10))
    b = leaf("shared", "b", "f32", (10,))
    rate = leaf("constant", None, "f32", (), np.float32(0.5))
    inverse = leaf("constant", "1/n", "f32", ())
    one = leaf("constant", None, "f32", (), np.float32(1))
    nk, n1 = ("n", 10), ("n", 1)
    dot = node("dot", X, W, shape=nk, at=site(3, "X @ W"))
    z = node("add", dot, b, shape=nk, at=site(3, "X @ W + b"))
    e = node("exp", z, shape=nk, at=site(4, "exp(z)"))
    e2 = node("exp", z, shape=nk, at=site(4, "exp(z)"))
    total = node("sum", e, shape=n1, at=site(5, "e.sum(1, keepdims=True)"), axis=1)
    p = node("div", e, total, shape=nk, at=site(5, "e / e.sum(1, keepdims=True)"))
    logp = node("log", p, shape=nk, at=site(6, "log(p)"))
    gather = node("gather", logp, y, shape=("n",), at=site(6, "log(p)[arange(n), y]"))
    mean = node("mean", gather, at=site(6, "log(p)[arange(n), y].mean()"))
    loss = node("neg", mean, at=site(6, "-log(p)[arange(n), y].mean()"))
    argmax = node("argmax", p, dtype="i64", shape=("n",), at=site(7, "p.argmax(1)"))
    eq = node(
        "eq", argmax, y, dtype="bool", shape=("n",), at=site(7, "eq(p.argmax(1), y)")
    )
    acc = node("mean", eq, at=site(7, "eq(p.argmax(1), y).mean()"))
    grad = site(8, "grad(loss, [W, b])")
    soft = node("softmax", z, shape=nk, at=grad)
    hot = node("one_hot", y, shape=nk, at=grad)
    diff = node("sub", soft, hot, shape=nk, at=grad)
    scaled = node("mul", diff, inverse, shape=nk, at=grad)
    scaled1 = node("mul", scaled, one, shape=nk, at=grad)
    turned = node("T", X, shape=(64, "n"), at=grad)
    gW = node("dot", turned, scaled1, shape=(64, 10), at=grad)
    gb = node("sum", scaled1, shape=(10,), at=grad)
    stepW = node("mul", gW, rate, shape=(64, 10), at=site(9, "0.5 * gW"))
    stepb = node("mul", gb, rate, shape=(10,), at=site(10, "0.5 * gb"))
    newW = node("sub", W, stepW, shape=(64, 10), at=site(9, "W - 0.5 * gW"))
    newb = node("sub", b, stepb, shape=(10,), at=site(10, "b - 0.5 * gb"))
    total2 = node("sum", e2, shape=n1, at=site(5, "e.sum(1, keepdims=True)"), axis=1)
    p2 = node("div", e2, total2, shape=nk, at=site(5, "e / e.sum(1, keepdims=True)"))
    argmax2 = node("argmax", p2, dtype="i64", shape=("n",), at=site(7, "p.argmax(1)"))
    eq2 = node("eq", argmax2, y, dtype="bool", shape=("n",), at=eq.site)
    acc2 = node("mean", eq2, at=acc.site)
    written = SampleGraph((loss, acc2, newW, newb))
    merged = SampleGraph((loss, acc, newW, newb))
    merge = SampleRecord(
        "merge", written, merged,
        [SampleEvent(None, e2, e, kind="merge"),
         SampleEvent(None, total2, total, kind="merge"),
         SampleEvent(None, p2, p, kind="merge")],
        2e-4, origin={argmax: (argmax2,), eq: (eq2,), acc: (acc2,)},
    )  # fmt: skip
    gW2 = node("dot", turned, scaled, shape=(64, 10))
    gb2 = node("sum", scaled, shape=(10,))
    stepW2 = node("mul", gW2, rate, shape=(64, 10))
    stepb2 = node("mul", gb2, rate, shape=(10,))
    newW2 = node("sub", W, stepW2, shape=(64, 10))
    newb2 = node("sub", b, stepb2, shape=(10,))
    simple = SampleGraph((loss, acc, newW2, newb2))
    rebuilt = {gW2: (gW,), gb2: (gb,), stepW2: (stepW,), stepb2: (stepb,),
               newW2: (newW,), newb2: (newb,)}  # fmt: skip
    simplify = SampleRecord(
        "simplify", merged, simple,
        [SampleEvent(MUL_ONE, scaled1, scaled, {"x": scaled})], 6e-4, origin=rebuilt,
    )  # fmt: skip
    lse = node("logsumexp", z, shape=n1, axis=1)
    stable = node("sub", z, lse, shape=nk)
    gather2 = node("gather", stable, y, shape=("n",))
    mean2 = node("mean", gather2)
    loss2 = node("neg", mean2)
    argmax3 = node("argmax", soft, dtype="i64", shape=("n",))
    eq3 = node("eq", argmax3, y, dtype="bool", shape=("n",))
    acc3 = node("mean", eq3)
    final = SampleGraph((loss2, acc3, newW2, newb2))
    stabilise = SampleRecord(
        "stabilise", simple, final,
        [SampleEvent(LOG_SOFTMAX, logp, stable, {"x": z}),
         SampleEvent(SOFTMAX_OF_EXP, p, soft, {"x": z}),
         SampleEvent(None, p, soft, kind="merge")],
        1.1e-3,
        origin={stable: (logp,), lse: (logp, total), gather2: (gather,), mean2: (mean,),
                loss2: (loss,), argmax3: (argmax,), eq3: (eq,), acc3: (acc,)},
    )  # fmt: skip
    collect = SampleRecord("collect", final, final, [], 2e-4)
    fuse = SampleRecord("fuse", final, final, [], 2e-3, phase="kernels")
    inner = [
        z,
        lse,
        stable,
        soft,
        hot,
        diff,
        scaled,
        gather2,
        mean2,
        loss2,
        argmax3,
        eq3,
        acc3,
    ]
    kernels = [
        SampleKernel("k1 sgemm", "sgemm(n, 10, 64, X, W, z);", [dot], [(1, 1, (dot,))]),
        SampleKernel("k2 softmax_row", KERNEL_TEXT, inner, [
            (5, 5, (loss2,)), (6, 6, (acc3,)), (9, 9, (argmax3,)), (11, 11, (z,)),
            (13, 13, (lse, argmax3)), (16, 17, (soft, lse)), (18, 18, (lse,)),
            (19, 19, (stable, gather2)), (20, 20, (eq3,)), (21, 21, (soft,)),
            (23, 23, (soft, diff)), (25, 25, (mean2, loss2)), (26, 26, (acc3,)),
        ]),
        SampleKernel("k3 sgemm", "sgemm(64, 10, n, X, g, W);",
                     [turned, gW2, stepW2, newW2], [(1, 1, (gW2, stepW2, newW2))]),
        SampleKernel("k4 bias_step", "for (j = 0; j < 10; j++)\n    b[j] -= s[j];",
                     [gb2, stepb2, newb2], [(1, 2, (newb2,))]),
    ]  # fmt: skip
    decisions = [
        SampleDecision("blas", "W", "gemm", "the update of W is one scaled gemm",
                       (newW2,)),
        SampleDecision("fused", "k2", "one nest", "softmax, logsumexp, argmax share "
                       "the row maximum", (soft, lse)),
        SampleDecision("in place", "g", "z", "same index map, z dies here", (diff,)),
    ]  # fmt: skip
    return Story(
        name="step",
        inputs=("X", "y"),
        sinks=(("loss", "output"), ("acc", "output"), ("W", "update"), ("b", "update")),
        passes=(merge, simplify, stabilise, collect, fuse),
        kernels=kernels,
        decisions=decisions,
        memory=memory_plan(),
        profile=profile(dot, z, lse, soft, diff, gW2, newb2),
        facts=(("C in 153 ms", ""), ("108 µs a call", "strong")),
        compiler="gcc 12.2 -O3 -march=native, 142 ms",
        reproducible=reproducible,
        seconds=4.1e-3,
    )


def memory_plan() -> dict[str, Any]:
    """Life of seven buffers over four steps."""
    return {
        "arena": 71880,
        "steps": ["k1 sgemm", "k2 softmax_row", "k3 sgemm", "k4 bias_step"],
        "rows": [
            {"name": "X", "role": "input", "bytes": 460032, "note": "caller's array",
             "spans": [[-1, 2, "read by k1, k3"]]},
            {"name": "W", "role": "shared", "bytes": 2560, "note": "",
             "spans": [[-1, 2, "read by k1, k3"]]},
            {"name": "z", "role": "arena", "bytes": 71880, "note": "one slot",
             "spans": [[0, 1, "written by k1"], [1, 3, "written over z by k2"]]},
            {"name": "loss", "role": "result", "bytes": 4, "note": "",
             "spans": [[1, 3, "returned"]]},
        ],
    }  # fmt: skip


def profile(*nodes: SampleNode) -> dict[str, Any]:
    """Times of a hundred calls."""
    times = (38200, 900, 10800, 6200, 700, 44900, 3100)
    return {
        "calls": 200,
        "call_ns": 108200,
        "overhead_ns": 400,
        "method": "modelled",
        "steps": [["k1 sgemm", 38200], ["k2 softmax_row", 21600], ["k3 sgemm", 44900],
                  ["k4 bias_step", 3100]],
        "nodes": dict(zip(nodes, times, strict=True)),
    }  # fmt: skip
