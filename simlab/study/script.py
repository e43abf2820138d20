"""Experiment scripts: Python files that name a ``study``."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

from simlab.foundation.errors import InputError, SimlabError, shown
from simlab.study.design import Study

SIZES = ("demo", "full")


def load_script(path: str | Path, *, text: str | None = None) -> ModuleType:
    """Import a script once, under a name made from where it lies, so that workers can import it under the same.

    ``text`` is what it says, for a machine on which the file is not there. Raises InputError in one line where the script is
    missing, is no Python, or breaks.
    """
    file = Path(path).resolve()
    name = f"simlab_script_{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    if not file.is_file() and text is None:
        raise InputError(f"{path}: no such file")
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise InputError(f"{path}: must be a Python file, ending in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        if text is not None and not file.is_file():
            exec(compile(text, str(file), "exec"), module.__dict__)
        else:
            spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        raise _broken(path, error) from error
    return module


def _broken(path: str | Path, error: BaseException) -> BaseException:
    """Return what to raise for an error in a script: Ctrl-C as it is, all else as one line."""
    if isinstance(error, KeyboardInterrupt):
        return error
    if isinstance(error, SimlabError):
        return InputError(f"{path}: {error}")
    return InputError(f"{path}: breaks with {type(error).__name__}: {shown(str(error), 200)}")


def load_study(path: str | Path, size: str = "demo") -> Study:
    """Return the study that a script names ``study``: a Study, or a function that may take the size.

    Raises InputError where there is none, or it is something else.
    """
    if size not in SIZES:
        raise InputError.of("size", size, f"must be one of {', '.join(SIZES)}")
    module = load_script(path)
    found = getattr(module, "study", None)
    if found is None:
        raise InputError(f"{path}: must name a `study`, a Study or a function that returns one")
    if callable(found) and not isinstance(found, Study):
        needed = [p for p in inspect.signature(found).parameters.values() if p.default is p.empty]
        if len(needed) > 1:
            raise InputError(f"{path}: `study` must be a function of the size, or of nothing")
        try:
            found = found(size) if inspect.signature(found).parameters else found()
        except BaseException as error:
            raise _broken(path, error) from error
    if not isinstance(found, Study):
        raise InputError(f"{path}: `study` must be a Study, not a {type(found).__name__}")
    return found.changed(script=str(Path(path).resolve()))
