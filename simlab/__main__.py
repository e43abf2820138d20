"""The command line, for ``python -m simlab``."""

from __future__ import annotations

from simlab.cli import main

if __name__ == "__main__":
    main()
