"""``python -m catalog`` is ``gpts-catalog``."""

from __future__ import annotations

from catalog.cli.main import main

if __name__ == "__main__":
    main()
