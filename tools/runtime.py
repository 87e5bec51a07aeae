"""`python -m tools.runtime`: packs the inspector's scripts into static/runtime.txt.

The packed form is kept in the repository because compressed bytes differ between
builds of zlib, and a notebook's output must not. A test says when to run this again.
"""

import base64
import sys
import zlib

from symnb.viz.html import PACKED, program


def main() -> int:
    """Write the packed scripts; tells both sizes."""
    text = program()
    packed = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    PACKED.write_text(packed, encoding="ascii")
    print(f"{PACKED.name}: {len(text.encode())} bytes in {len(packed)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
