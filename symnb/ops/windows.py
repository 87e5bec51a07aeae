"""Windows: where a filter or a pool reads an image, as plain geometry.

Along each of two axes a window of `kernel` elements, `dilation` apart, starts every
`stride` elements of the image padded by `pads` on either side. Images are
(batch, channels, rows, columns). Sizes may be symbolic; microseconds per node.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symnb.core.dims import DimLike, dim_max, is_nonnegative
from symnb.errors import ShapeError

Array = Any
Pair = tuple[DimLike, DimLike]


@dataclass(frozen=True)
class Windows:
    """The geometry along both axes.

    kernel    rows and columns of a window
    stride    elements from one window to the next
    pads      before and after the rows, before and after the columns
    dilation  elements from one element of a window to the next
    """

    kernel: Pair
    stride: tuple[int, int] = (1, 1)
    pads: tuple[DimLike, DimLike, DimLike, DimLike] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)

    def room(self, axis: int, size: DimLike) -> DimLike:
        """Elements the first window may still move by; negative: none fits."""
        before, after = self.pads[2 * axis : 2 * axis + 2]
        covered = (self.kernel[axis] - 1) * self.dilation[axis] + 1
        return size + before + after - covered

    def count(self, axis: int, size: DimLike) -> DimLike:
        """How many windows fit. Raises ShapeError when it is known that none does."""
        room = self.room(axis, size)
        if isinstance(room, int) and room < 0:
            raise ShapeError(too_small(axis, size, self.kernel[axis]))
        count = room // self.stride[axis] + 1
        return count if is_nonnegative(count) else dim_max(count, 0)

    def counts(self, sizes: tuple[DimLike, ...]) -> Pair:
        """Windows along rows and columns of an image."""
        return self.count(0, sizes[0]), self.count(1, sizes[1])


def too_small(axis: int, size: object, kernel: object) -> str:
    """The message for an image no window fits into."""
    return (
        f"no window of {kernel} fits into {size} {('rows', 'columns')[axis]}.\n"
        "Fix: pad the image, or use a smaller window."
    )


# --------------------------------------------------------------------- the reference


def padded(x: Array, windows: Windows, value: Any = 0) -> Array:
    """`x` with its last two axes padded."""
    top, bottom, left, right = windows.pads
    if not any(windows.pads):
        return x
    width = [(0, 0)] * (x.ndim - 2) + [(top, bottom), (left, right)]
    return np.pad(x, width, constant_values=value)


def patches(x: Array, windows: Windows, value: Any = 0) -> Array:
    """All windows of `x`: (..., windows down, windows across, kernel rows, columns).

    A view of the padded image; raises ShapeError where none fits.
    """
    for axis in (0, 1):
        windows.count(axis, x.shape[x.ndim - 2 + axis])
    (d0, d1), (s0, s1) = windows.dilation, windows.stride
    k0, k1 = windows.kernel
    covered = (k0 - 1) * d0 + 1, (k1 - 1) * d1 + 1
    views: Any = np.lib.stride_tricks  # its stubs want plain ints
    whole = views.sliding_window_view(padded(x, windows, value), covered, (-2, -1))
    return whole[..., ::s0, ::s1, ::d0, ::d1]


def add_patches(parts: Array, image: tuple[int, int], windows: Windows) -> Array:
    """The adjoint of `patches`: every element of a window added where it was read."""
    top, bottom, left, right = (int(p) for p in windows.pads)  # type: ignore[arg-type]
    (d0, d1), (s0, s1) = windows.dilation, windows.stride
    down, across, k0, k1 = parts.shape[-4:]
    rows, columns = image[0] + top + bottom, image[1] + left + right
    total = np.zeros((*parts.shape[:-4], rows, columns), parts.dtype)
    for i in range(k0):
        for j in range(k1):
            at = (
                slice(i * d0, i * d0 + s0 * (down - 1) + 1, s0),
                slice(j * d1, j * d1 + s1 * (across - 1) + 1, s1),
            )
            total[(..., *at)] += parts[..., i, j]
    return total[..., top : top + image[0], left : left + image[1]]
