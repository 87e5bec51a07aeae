"""What must be reached: symnb's time over the best peer's, per row and threads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Must:
    """Bounds of one row with 1 and with 2 threads.

    peer  the peer it is about; None: the best of all
    """

    must: tuple[float, float]
    aim: tuple[float, float]
    peer: str | None = None

    def of(self, threads: int) -> float:
        """The bound; with more threads, that of two."""
        return self.must[min(threads, 2) - 1]


def _must(must: float, aim: float, peer: str | None = None) -> Must:
    return Must((must, must), (aim, aim), peer)


MUSTS: dict[str, Must] = {
    "call_scalar": _must(0.6, 0.4),
    "call_scalar_py": _must(0.8, 0.5),
    "call_vec8": _must(0.6, 0.4),
    "chain12_1e3": _must(0.5, 0.27),
    "chain12_1e5": Must((0.85, 0.5), (0.6, 0.6)),
    "chain12_1e7": _must(0.45, 0.3),
    "cheap_1e5": _must(1.05, 0.9),
    "cheap_1e7": _must(0.6, 0.4),
    "softmax": _must(0.9, 0.6),
    "nll": _must(0.9, 0.6),
    "layernorm": _must(1.3, 1.0),
    "sum_ax0": Must((0.8, 0.5), (0.6, 0.35)),
    "sum_ax1": _must(1.3, 1.0),
    "sum_all": _must(1.3, 1.0),
    "var_all": _must(1.3, 1.0),
    "var_ax1": _must(1.3, 1.0),
    "mlp_step": _must(1.05, 0.95),
    "logreg_step": Must((0.8, 0.6), (0.5, 0.35)),
    "lenet_step": _must(1.0, 0.75),
    "first_chain12_1e5_cold": _must(0.8, 0.5, "jax"),
    "first_mlp_step_cold": _must(0.8, 0.5, "jax"),
    "first_chain12_1e5_warm": _must(0.4, 0.15, "jax"),
    "first_mlp_step_warm": _must(0.4, 0.15, "jax"),
    "import": _must(2.0, 1.3, "numpy"),
}
# Geometric means over the rows above that are timed, at 1 and 2 threads.
MEANS = {"best peer": 0.75, "jax": 0.35, "pytensor": 0.25}
