"""The cells of the README work as pasted."""

import re
from pathlib import Path

import numpy as np

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_cells_of_the_readme_train(notebook) -> None:
    cells = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
    assert len(cells) == 2
    for cell in cells:
        notebook(cell)
    step = notebook.names["step"]
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(50, 64)), rng.integers(0, 10, 50)
    losses = [float(step(images, labels)) for _ in range(20)]
    assert abs(losses[0] - np.log(10)) < 1e-12  # ten classes, nothing learnt
    assert losses[-1] < 0.5 * losses[0]
