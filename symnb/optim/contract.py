"""What a rule promises about its result: five contracts, strongest first.

The author of a rule names one; `verify.py` measures it. Comparisons are made where
no intermediate value leaves the range of the dtype, except under `bitwise` and
`stabler`, which promise what happens there too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Contract:
    """One promise.

    name    as printed
    promise in words
    strict  kept in the mode `strict`, which changes no bit
    bound   error allowed beyond that of the left side, in units in the last place
    """

    name: str
    promise: str
    strict: bool = False
    bound: float = 0.0

    def within(self, ulp: float) -> Contract:
        """The same promise with another bound on the error."""
        return replace(self, bound=ulp)

    @property
    def stated(self) -> str:
        """The name, and the bound where it is not the usual one."""
        usual = self.bound == CONTRACTS[self.name].bound
        return self.name if usual else f"{self.name}, {self.bound:g} ulp"

    def __str__(self) -> str:
        return self.name


BITWISE = Contract(
    "bitwise", "identical results, NaN, inf and -0 included", strict=True
)
ROUNDING = Contract(
    "rounding",
    "equal over the reals; differs by rounding, at most 4 ulp of the largest value "
    "summed (of a linear system: times its condition), and in the sign of zero",
    bound=4.0,
)
STABLER = Contract(
    "stabler",
    "equal over the reals where the left side is defined; error at most that of the "
    "left side or what its own ops declare, and finite wherever the left side is",
    bound=4.0,
)
FINITE_ONLY = Contract(
    "finite_only",
    "equal, but for rounding, for finite inputs where the left side is a number",
    bound=4.0,
)
DOMAIN = Contract(
    "domain", "equal, but for rounding, where its guard is proven", bound=4.0
)
CONTRACTS = {
    contract.name: contract
    for contract in (BITWISE, ROUNDING, STABLER, FINITE_ONLY, DOMAIN)
}
