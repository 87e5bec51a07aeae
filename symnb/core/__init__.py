"""The graph: nodes, types, sizes, traversals, text, NumPy reference. Floor 1."""
