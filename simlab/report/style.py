"""Style: one look for all pictures, readable in grey and by the colour-blind; and writing them in one step."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from simlab.foundation.errors import InputError, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#1a1a1a"
GREY = "#6b6b6b"
PALE = "#dddddd"
SUFFIXES = (".png", ".svg", ".pdf")

# Okabe & Ito 2008, the order such that neighbours differ in lightness too.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#7A5C00", "#999999")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (4, 1.5, 1, 1.5)), (0, (1.2, 1.2)), (0, (8, 2)))

_SETTINGS: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#ececec",
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "svg.hashsalt": "simlab",
    "svg.fonttype": "path",
}


class Look(NamedTuple):
    """How one fitter, or one cluster, is drawn in every picture."""

    colour: str
    marker: str
    dashes: Any
    filled: bool


def look(place: int) -> Look:
    """Return the look of the fitter, or the cluster, at a place; colour, shape, dashes and filling all differ."""
    return Look(
        _COLOURS[place % len(_COLOURS)],
        _MARKERS[place % len(_MARKERS)],
        _DASHES[place % len(_DASHES)],
        place % 2 == 0,
    )


def label(text: str, longest: int = 40) -> str:
    """Return a name for a legend or a title: one line, cut where it is long, led by a space where ``_`` would hide it."""
    short = shown(text, longest)
    return f" {short}" if short.startswith("_") or not short else short


@contextlib.contextmanager
def styled() -> Iterator[None]:
    """Draw in the style of the project, whatever the user's own settings are; they come back afterwards."""
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .*missing", category=UserWarning)
        matplotlib.rcdefaults()
        settings: Any = matplotlib.rcParams
        settings.update(_SETTINGS)
        yield


def figure(width: float, height: float, rect: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)) -> Figure:
    """Return an empty figure of so many inches on a canvas that needs no screen; its axes are laid out within ``rect``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    made = Figure(
        figsize=(width, height), layout=ConstrainedLayoutEngine(rect=rect, w_pad=0.08, h_pad=0.07), facecolor="white"
    )
    FigureCanvasAgg(made)
    return made


def rendered(made: Figure, kind: str = "png", dpi: int = 200) -> bytes:
    """Return a figure as the bytes of a PNG, SVG or PDF file, the same for the same figure."""
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {"Software": None})
    buffer = io.BytesIO()
    made.savefig(buffer, format=kind, dpi=dpi, metadata=undated)
    return buffer.getvalue()


def check_writable(path: Path) -> None:
    """Make the folder of a file; InputError where the file cannot be written, before any work is done for it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        # Rights do not tell: nobody makes files in some folders, such as /proc, whatever is allowed there.
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise _cannot_write(path, error) from None


def check_page(path: Path) -> None:
    """Make the folder of a page; InputError where the page cannot be written, or its name does not end in .html."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError.of("out", str(path), "must end in .html")
    check_writable(path)


def _cannot_write(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be written ({error.strerror or type(error).__name__})")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there in one step; InputError where that cannot be done."""
    check_writable(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        # A file that is new is no link to another one.
        beside.unlink(missing_ok=True)
        with open(beside, "xb") as file:
            file.write(content)
        os.replace(beside, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise _cannot_write(path, error) from None
