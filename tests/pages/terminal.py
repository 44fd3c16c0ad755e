"""``docs/screenshots/terminal.svg``: README's first block as a terminal shows it.

What the block says is compared with what the commands print, by a test of its own.
"""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from catalog.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
_WIDTH = 118
_STYLES = {"$": "bold", "  ~": "yellow", "  +": "green", "  −": "red"}


def picture() -> str:
    """The picture as SVG, the same for the same words; it takes no font from elsewhere."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```console\n(.*?)```", readme, re.DOTALL)
    if block is None:
        raise UsageError("README.md has no console block: give it one to be shown")
    console = Console(record=True, width=_WIDTH, file=StringIO(), force_terminal=True)
    for line in block[1].splitlines():
        style = next((name for sign, name in _STYLES.items() if line.startswith(sign)), "")
        console.print(Text(line, style=style), soft_wrap=False)
    plain = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    plain = plain.replace("Fira Code", "DejaVu Sans Mono")
    return console.export_svg(title="gpts-catalog", code_format=plain, unique_id="terminal") + "\n"


PAGES = {"docs/screenshots/terminal.svg": picture}
"""The pages that are made, and by what."""
