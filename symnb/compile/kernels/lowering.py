"""Region -> Nest: graph nodes become scalar values at points of a loop nest.

`values.py` makes the values, `stages.py` puts them in order for regions with
reductions, `passes.py` has the ops that write their result in several passes.
Once per region.
"""

from __future__ import annotations

from symnb.compile.kernels.nest import Nest, NestError, Stage, validate
from symnb.compile.kernels.passes import lower_passes
from symnb.compile.kernels.points import role, shape_of
from symnb.compile.kernels.region import Region
from symnb.compile.kernels.space import Space, space_of
from symnb.compile.kernels.stages import Stages
from symnb.compile.kernels.values import Values
from symnb.core.dims import DimLike
from symnb.core.node import Node
from symnb.ops.define import Reduction


def lower(region: Region) -> Nest:
    """The loop nest that computes the outputs of a kernel region."""
    if region.kind != "kernel":
        raise NestError(f"a region of kind {region.kind} has no nest")
    first = region.outputs[0]
    if role(first) in ("scan", "write"):
        values = Values(region, Space(shape_of(first)))
        outer, stages = lower_passes(first, values)
    else:
        space = space_of(anchors_of(region))
        values = Values(region, space)
        outer, stages = space.outer, _stages(region, values, space)
    nest = Nest(
        buffers=(*values.inputs.values(), *values.outputs.values()),
        outer=outer,
        stages=stages,
        origin=values.origin,
        numbers=dict(zip(region.nodes, region.numbers, strict=True)),
        nonempty=_nonempty(region),
        awaited=region.awaited,
    )
    validate(nest)
    return nest


def _stages(region: Region, values: Values, space: Space) -> tuple[Stage, ...]:
    for node in anchors_of(region):
        at = space.home(node)
        if at is None:
            raise NestError(f"{node!r} has other axes than its region")
        values.at(node, at)
    stages = Stages(values, space)
    stages.place()
    stages.keep_rows()
    stages.hoist()
    return stages.stages()


def anchors_of(region: Region) -> tuple[Node, ...]:
    """The nodes at home in the region's space: reductions, then outputs."""
    reductions = [x for x in region.nodes if role(x) == "reduce"]
    return tuple(dict.fromkeys((*reductions, *region.outputs)))


def _nonempty(region: Region) -> tuple[tuple[DimLike, str], ...]:
    """The reduced sizes that need an element, with the names of the reductions."""
    found: dict[tuple[DimLike, str], None] = {}
    for node in region.nodes:
        op = node.op
        if isinstance(op, Reduction) and op.identity is None:
            shape = shape_of(node.inputs[0])
            found |= {(shape[axis], op.name): None for axis in node.params[0]}
    return tuple(found)
