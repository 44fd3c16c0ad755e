"""The command line with another work for the job verify; run as a process.

The first argument is the work, ``module:function``; the others are the command's words.
"""

from __future__ import annotations

import sys

import msgspec

from catalog.cli.main import main
from jobs.registry import JOBS

if __name__ == "__main__":
    JOBS["verify"] = msgspec.structs.replace(JOBS["verify"], run=sys.argv[1])
    main(sys.argv[2:])
