"""Every workload by name, in the order of the tables."""

from __future__ import annotations

from bench.workload import Workload
from bench.workloads.call import CALL
from bench.workloads.chain import CHAINS
from bench.workloads.optimise import OPTIMISE
from bench.workloads.reduction import REDUCTIONS
from bench.workloads.train import TRAIN

TIMED = [*CALL, *CHAINS, *REDUCTIONS, *TRAIN]
WORKLOADS: dict[str, Workload] = {work.name: work for work in (*TIMED, *OPTIMISE)}
