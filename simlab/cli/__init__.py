"""The command line. Errors are one clear line; the exit code is 0 done, 1 failed, 2 wrong input, 130 stopped."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from typing import Any

from simlab.foundation.errors import InputError, SimlabError, printable

DONE, WORK_FAILED, WRONG_INPUT, STOPPED = 0, 1, 2, 130


def main() -> None:
    """Run the command line and exit."""
    python_words = warnings.formatwarning

    def words(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
    ) -> str:
        # Those meant for users are one line; where in the code they arose is for those of libraries.
        if category is UserWarning:
            return printable(f"warning: {message}") + "\n"
        return python_words(message, category, filename, lineno, line)

    warnings.formatwarning = words
    sys.exit(call(sys.argv[1:]))


def call(arguments: list[str]) -> int:
    """Run the command line with these arguments; return the exit code. A traceback is shown only if SIMLAB_TRACEBACK is set."""
    import typer

    from simlab.cli.app import command

    # Typer has click inside or beside it, depending on its version.
    wrong_usage = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
    try:
        code = command().main(arguments, prog_name="simlab", standalone_mode=False)
        sys.stdout.flush()
        # Typer turns Ctrl-C into this code.
        return _say("stopped", STOPPED) if code == STOPPED else int(code or DONE)
    except StoppedError as stop:
        return _say(str(stop), STOPPED)
    except SystemExit as leave:
        # Typer leaves in this way when whoever read our output has gone, as `head` does.
        if isinstance(leave.__context__, BrokenPipeError):
            return _nobody_reads()
        return int(leave.code) if isinstance(leave.code, int) else WORK_FAILED
    except typer.Exit as leave:
        return int(leave.exit_code)
    except InputError as error:
        return _say(str(error), WRONG_INPUT, error)
    except SimlabError as error:
        return _say(str(error), WORK_FAILED, error)
    except (KeyboardInterrupt, typer.Abort) as stop:
        return _say(str(stop) or "stopped", STOPPED)
    except BrokenPipeError:
        return _nobody_reads()
    except MemoryError:
        return _say("not enough memory", WORK_FAILED)
    except Exception as error:
        if interrupted(error):
            return _say("stopped", STOPPED)
        if isinstance(error, wrong_usage):
            usage: Any = error
            return _say(usage.format_message(), WRONG_INPUT)
        text = " ".join(str(error).split())
        return _say(
            f"{type(error).__name__}: {text} (a fault of simlab: SIMLAB_TRACEBACK=1 shows where)", WORK_FAILED, error
        )


def interrupted(error: BaseException | None) -> bool:
    """Return whether an error is Ctrl-C, or came of it: libraries make other errors of one that meets them at work."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


class StoppedError(Exception):
    """A command was stopped by Ctrl-C; the message says what is kept."""


def _nobody_reads() -> int:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE


def _say(message: str, code: int, error: Exception | None = None) -> int:
    if error is not None and os.environ.get("SIMLAB_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
    if code == STOPPED:
        # Reading and writing that Ctrl-C cut off is dropped when the process ends; asyncio would complain of it after us.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    label = "" if code == STOPPED else "error: "
    print(printable(f"{label}{message.strip()}"), file=sys.stderr)
    return code
