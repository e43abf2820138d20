"""Experiment scripts: Python files that name a ``study``."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from simlab.foundation.errors import InputError, SimlabError, shown
from simlab.study.design import Study

SIZES = ("demo", "full")
Named = TypeVar("Named")


def load_script(path: str | Path, *, text: str | None = None) -> ModuleType:
    """Import a script once, under a name made from where it lies, so that workers can import it under the same.

    ``text`` is what it says, where the file may be missing, or have changed. Raises InputError in one line where the script is
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
        if text is not None:
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
    found = named(path, "study", Study, "the size", size)
    return found.changed(script=str(Path(path).resolve()))


def named(path: str | Path, name: str, kind: type[Named], what: str = "", *given: Any) -> Named:
    """Return what a script names so: a thing of a kind, or what a function returns that may take what is ``given``.

    ``what`` is that in words. Raises InputError where there is none, or it is something else.
    """
    found = getattr(load_script(path), name, None)
    if found is None:
        raise InputError(f"{path}: must name a `{name}`, a {kind.__name__} or a function that returns one")
    if callable(found) and not isinstance(found, kind):
        parameters = inspect.signature(found).parameters.values()
        if sum(p.default is p.empty for p in parameters) > len(given):
            raise InputError(f"{path}: `{name}` must be a function of {f'{what}, or of ' if given else ''}nothing")
        try:
            found = found(*given) if parameters else found()
        except BaseException as error:
            raise _broken(path, error) from error
    if not isinstance(found, kind):
        raise InputError(f"{path}: `{name}` must be a {kind.__name__}, not a {type(found).__name__}")
    return found
