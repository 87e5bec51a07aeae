"""Linear algebra of whole graphs: one factorisation where several nodes need one.

`linear_algebra` runs the rules of single nodes where a graph has something for them;
`sharing` looks at all nodes that factorise one matrix: several systems and
determinants take one LU; what has a Cholesky, QR, SVD or eigenvalue factorisation
beside it takes its values from that. Two walks over the graph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container

from symnb.core.graph import Graph
from symnb.core.node import Input, Node, make
from symnb.core.op import Op
from symnb.core.types import TensorType
from symnb.ops import reduce
from symnb.ops.assume import ASSUME
from symnb.ops.create import IOTA, eye
from symnb.ops.diagonal import diagonal
from symnb.ops.dot import BATCHED_DOT, DOT, dot
from symnb.ops.elementwise import abs, add, log, mul, sign, square, sub
from symnb.ops.factor import EIGH, EIGVALSH, QR, SVD, SVDVALS, eigvalsh, qr, svdvals
from symnb.ops.linalg import DET, EXPM, INV, SLOGDET, SOLVE, det, inv, slogdet, solve
from symnb.ops.lu import lu_det, lu_factor, lu_slogdet, lu_solve
from symnb.ops.pick import PICK, pick
from symnb.ops.triangular import CHOLESKY, SOLVE_TRIANGULAR, cho_solve, cholesky
from symnb.ops.view import TRANSPOSE, matrix_transpose, specify_like
from symnb.optim import structure
from symnb.optim.contract import DOMAIN, FINITE_ONLY
from symnb.optim.driver import Sweep, Uses
from symnb.optim.match import Index
from symnb.optim.passes import Compile, Pass, replay_sweep, sweep, weakest
from symnb.optim.rule import Rule, Ruleset, rewrite, ruleset
from symnb.optim.structure import turned

FACTORISING = frozenset({
    INV, SOLVE, SOLVE_TRIANGULAR, DET, SLOGDET, CHOLESKY, QR, SVD, SVDVALS, EIGH,
    EIGVALSH, EXPM,
})  # fmt: skip
_STRUCTURED = FACTORISING | {ASSUME, IOTA}
TWICE = 2  # readers are counted before a sweep; what it leaves may have fewer
_SYMMETRIC = frozenset({add, sub, mul, DOT, BATCHED_DOT})

# ------------------------------------------------------------- rules of single nodes


def linear_algebra(rules: Ruleset) -> Pass:
    """The pass of rules about matrices; free where a graph has no structure."""

    def run(graph: Graph, compile: Compile) -> Graph:
        if not any(map(_is_structured, graph.order)):
            return graph
        with structure.remembering():
            for _ in range(TWICE):
                before, graph = graph, sweep(graph, compile, rules)
                if graph is before:
                    break
        return graph

    return Pass(
        "linalg", run, weakest(rules), "graph", rules,
        replay=lambda record, k: replay_sweep(record, k, False),
        rebuild=linear_algebra,
    )  # fmt: skip


def _is_structured(node: Node) -> bool:
    op = node.op
    return op in _STRUCTURED or (
        op is TRANSPOSE and node.inputs[0].op in _SYMMETRIC and node.ndim > 1
    )


# -------------------------------------------------- what a factorisation has to give


def _matrix(*shape: int, dtype: str = "float64") -> Node:
    return Input(TensorType(dtype, shape), "a")


def _definite() -> Node:
    a = _matrix(4, 4)
    return dot(a, a.T) + eye(4)


def base_of(node: Node) -> tuple[Node, bool]:
    """The matrix a node factorises, and whether its transpose is meant: a system's."""
    matrix = node.inputs[0]
    inner = turned(matrix) if node.op is SOLVE else None
    return (matrix, False) if inner is None else (inner, True)


def _is(*ops: Op) -> Callable[[Op], bool]:
    return lambda op: op in ops


@rewrite(
    _is(SOLVE), "solve(a, b) -> lu_solve(lu_factor(a), b), where a is factorised again",
    FINITE_ONLY, "one elimination for all systems with a or a.T", tags="after_gradient",
    answers=("reuse_decomposition_multiple_solves",
             "reuse_decomposition_multiple_solves_jax"),
    examples=lambda: [solve(_matrix(4, 4), _matrix(4)),
                      solve(_matrix(4, 4).T, _matrix(4, 2)),
                      solve(_matrix(2, 3, 3, dtype="float32"),
                            _matrix(2, 3, 2, dtype="float32"))],
)  # fmt: skip
def solve_by_factors(node: Node) -> Node:
    """The solution from the LU factors of the matrix."""
    matrix, trans = base_of(node)
    return specify_like(lu_solve(lu_factor(matrix), node.inputs[1], trans), node)


@rewrite(
    _is(DOT, BATCHED_DOT),
    "inv(a) @ b -> lu_solve(lu_factor(a), b), where only products read inv(a)",
    FINITE_ONLY, "a third of the work of the inverse, and a smaller error",
    "Higham 2002, 14.1", tags="after_gradient", operands=lambda ops: INV in ops,
    answers=("inv_as_solve", "inv_to_solve"),
    examples=lambda: [dot(inv(_matrix(4, 4)), _matrix(4)),
                      dot(_matrix(2, 4), inv(_matrix(4, 4))),
                      dot(inv(_matrix(4, 4)).T, _matrix(4, 2))],
)  # fmt: skip
def product_by_factors(node: Node) -> Node | None:
    """The solution of a system, or the transposed one of the transposed system."""
    first, second = node.inputs
    inverse = _inverse_of(first)
    if inverse is not None:
        made = lu_solve(lu_factor(inverse[0]), second, inverse[1])
        return specify_like(made, node)
    inverse = _inverse_of(second)
    if inverse is None:
        return None
    side = first if first.ndim == 1 else matrix_transpose(first)
    made = lu_solve(lu_factor(inverse[0]), side, not inverse[1])
    return specify_like(made if first.ndim == 1 else matrix_transpose(made), node)


def _inverse_of(node: Node) -> tuple[Node, bool] | None:
    """(matrix, whether it is transposed), of which a node is the inverse."""
    inner = turned(node)
    inverse = node if inner is None else inner
    return (inverse.inputs[0], inner is not None) if inverse.op is INV else None


@rewrite(
    _is(SOLVE),
    "solve(a, b) -> cho_solve(cholesky(a), b), where there is cholesky(a)  "
    "where a is proven symmetric", DOMAIN, "n^2 operations, and no elimination",
    tags="after_gradient",
    answers=("psd_solve_with_chol", "psd_solve_to_chol_solve"),
    examples=lambda: [solve(_definite(), _matrix(4))],
)  # fmt: skip
def solve_by_known_cholesky(node: Node) -> Node | None:
    """Two triangular systems."""
    matrix = node.inputs[0]
    if not structure.symmetric.test(matrix):
        return None
    return specify_like(cho_solve((cholesky(matrix), True), node.inputs[1]), node)


_DETERMINANTS = ("local_det_chol", "det_of_matrix_factorized_elsewhere",
                 "det_of_factorized_matrix")  # fmt: skip


def _slogdet_examples() -> list[Node]:
    return [*slogdet(_matrix(4, 4)), det(_matrix(4, 4))]


@rewrite(
    _is(DET, PICK),
    "det(a), slogdet(a) -> of the diagonal of lu_factor(a), where that is shared",
    FINITE_ONLY, "a product of n numbers", tags="after_gradient", answers=_DETERMINANTS,
    examples=_slogdet_examples,
)  # fmt: skip
def determinant_by_factors(node: Node) -> Node | None:
    """The determinant, its sign or its logarithm."""
    if node.op is DET:
        return lu_det(lu_factor(node.inputs[0]))
    if node.inputs[0].op is not SLOGDET:
        return None
    which: int = node.params[0]
    return lu_slogdet(lu_factor(node.inputs[0].inputs[0]))[which]


@rewrite(
    _is(DET, PICK),
    "det(a), slogdet(a) -> of the diagonal of cholesky(a), where there is one  "
    "where a is proven symmetric", DOMAIN, "a product of n numbers",
    tags="after_gradient", answers=_DETERMINANTS,
    examples=lambda: [det(_definite()), *slogdet(_definite())],
)  # fmt: skip
def determinant_by_cholesky(node: Node) -> Node | None:
    """The square of the product of the factor's diagonal; its sign is 1."""
    source = node if node.op is DET else node.inputs[0]
    if source.op not in (DET, SLOGDET):
        return None
    matrix = source.inputs[0]
    if not structure.symmetric.test(matrix):
        return None
    entries = diagonal(cholesky(matrix), 0, -2, -1)
    if node.op is DET:
        return square(reduce.prod(entries, -1))
    if node.params[0] == 0:
        return reduce.prod(sign(entries), -1)
    return 2 * reduce.sum(log(entries), -1)


@rewrite(
    _is(PICK), "log|det a| of slogdet -> sum(log|diagonal(r)|), where there is qr(a)",
    FINITE_ONLY, "a sum of n numbers", tags="after_gradient", answers=_DETERMINANTS,
    operands=lambda ops: ops[0] is SLOGDET,
    examples=lambda: [slogdet(_matrix(4, 4))[1]],
)  # fmt: skip
def log_determinant_by_qr(node: Node) -> Node | None:
    """The determinant of an orthogonal matrix is 1 or -1."""
    if node.inputs[0].op is not SLOGDET or node.params[0] != 1:
        return None
    r = qr(node.inputs[0].inputs[0])[1]
    return reduce.sum(log(abs(diagonal(r, 0, -2, -1))), -1)


@rewrite(
    _is(SVDVALS), "svdvals(a) -> the values of svd(a), where there is one", FINITE_ONLY,
    tags="after_gradient", answers=("svd_uv_merge",),
    examples=lambda: [svdvals(_matrix(4, 3))],
)  # fmt: skip
def values_of_svd(node: Node) -> Node:
    """The second result of the thin decomposition."""
    return pick(make(SVD, node.inputs, (False,)), 1)


@rewrite(
    _is(EIGVALSH), "eigvalsh(a) -> the values of eigh(a), where there is one",
    FINITE_ONLY, tags="after_gradient", examples=lambda: [eigvalsh(_definite())],
)  # fmt: skip
def values_of_eigh(node: Node) -> Node:
    """The first result of the decomposition."""
    return pick(make(EIGH, node.inputs), 0)


SHARING = ruleset(
    "factorise",
    [
        product_by_factors, solve_by_known_cholesky, solve_by_factors,
        determinant_by_cholesky, log_determinant_by_qr, determinant_by_factors,
        values_of_svd, values_of_eigh,
    ],
    "one_sweep",
)  # fmt: skip


# ----------------------------------------------------------------------------- the pass

_BY_LU = {
    SOLVE: solve_by_factors, DET: determinant_by_factors,
    SLOGDET: determinant_by_factors,
}  # fmt: skip
_BY_CHOLESKY = {
    SOLVE: solve_by_known_cholesky, DET: determinant_by_cholesky,
    SLOGDET: determinant_by_cholesky,
}  # fmt: skip


class _Sharing(Sweep):
    """Takes from a factorisation that is there what else is asked of its matrix.

    beside  matrix -> the ops that factorise it, with their number
    spared  inverses that only products read
    """

    def __init__(
        self, graph: Graph, compile: Compile, allowed: frozenset[Rule]
    ) -> None:
        super().__init__(
            Index(()), compile.table, {}, compile.events, compile.origin,
            uses=Uses(graph.roots, graph.order), final=True, limit=compile.limit,
        )  # fmt: skip
        self.allowed = allowed
        self.beside: dict[Node, Counter[Op]] = {}
        for node in graph.order:
            if node.op in FACTORISING and node.params != ("nan",):
                self.beside.setdefault(base_of(node)[0], Counter())[node.op] += 1

        self.spared = only_multiplied(graph)

    def _rebuilt(self, node: Node) -> Node:
        new = super()._rebuilt(node)
        if node in self.spared:
            self.spared.add(new)
        if node in self.beside:
            self.beside[new] = self.beside[node]
        return new

    def fire(self, node: Node) -> Node | None:
        """What the best rule allowed makes of `node`."""
        if self.limit is not None and self.fired >= self.limit:
            return None
        for rule in self._chosen(node):
            build = rule.build
            found = build(node) if build is not None and rule in self.allowed else None
            made = self.accept(node, found) if found is not None else None
            if made is not None and made is not node:
                self._note(rule, (), (), node, made)
                return made
        return None

    def _chosen(self, node: Node) -> list[Rule]:
        """The rules worth trying, best first."""
        if node.op is DOT or node.op is BATCHED_DOT:
            spared = any(x in self.spared for x in node.inputs)
            return [product_by_factors] if spared else []
        source = node.inputs[0] if node.op is PICK else node
        op = source.op
        if op not in _BY_LU and op not in (SVDVALS, EIGVALSH):
            return []
        beside = self.beside.get(base_of(source)[0], Counter())
        if op is SVDVALS:
            return [values_of_svd] if SVD in beside else []
        if op is EIGVALSH:
            return [values_of_eigh] if EIGH in beside else []
        chosen = [_BY_CHOLESKY[op]] if CHOLESKY in beside else []
        if op is SLOGDET and QR in beside:
            chosen.append(log_determinant_by_qr)
        if beside[SOLVE] + beside[DET] + beside[SLOGDET] > 1:
            chosen.append(_BY_LU[op])
        return chosen


def only_multiplied(graph: Graph) -> set[Node]:
    """Inverses that nothing but products reads, and the transposes of such."""
    readers: dict[Node, list[Node]] = {
        node: [] for node in graph.order if _inverse_of(node) is not None
    }
    for node in graph.order if readers else ():
        for source in node.inputs:
            if source in readers:
                readers[source].append(node)

    def is_multiplied(node: Node) -> bool:
        return node not in graph.roots and all(
            _multiplies(reader, readers)
            or (reader in readers and turned(reader) is node and is_multiplied(reader))
            for reader in readers[node]
        )

    spared = {node for node in readers if node.op is INV and is_multiplied(node)}
    return spared | {node for node in readers if turned(node) in spared}


def _multiplies(node: Node, inverses: Container[Node]) -> bool:
    """Whether a node is a product of an inverse and something that is none."""
    if node.op is not DOT and node.op is not BATCHED_DOT:
        return False
    return sum(x in inverses for x in node.inputs) == 1


def sharing(allowed: Ruleset = SHARING) -> Pass:
    """The pass; `allowed` are the rules of SHARING it may use."""
    rules = frozenset(allowed)

    def run(graph: Graph, compile: Compile) -> Graph:
        found = [node.op for node in graph.order if node.op in FACTORISING]
        if len(found) < 2 and INV not in found:
            return graph
        run = _Sharing(graph, compile, rules)
        with structure.remembering():
            roots = run.run(graph.roots, len(compile.table))
        compile.spend(run.fired)
        return graph.with_roots(roots) if tuple(roots) != graph.roots else graph

    return Pass(
        "factorise", run, weakest(allowed), "graph", allowed,
        replay=lambda record, k: replay_sweep(record, k, True),
        rebuild=sharing,
    )  # fmt: skip
