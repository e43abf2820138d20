# Sourced by demo, test, verify and benchmark: makes the environment of this checkout (.venv) and puts it first on the path.
# Usage: source scripts/environment.sh [dev]. PYTHON names the interpreter to build on, where python3 is too old.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
lock=requirements${1:+-$1}.lock

find_python() {
    for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
        if [[ -n $candidate ]] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "error: Python 3.11 or later is needed; none was found on the path (set PYTHON to name one)" >&2
    return 1
}

# The stamp holds the lock and pyproject, so that the environment is renewed when either changes.
stamp=.venv/installed-${1:-run}
wanted=$(cat "$lock" pyproject.toml | cksum)
if [[ ! -f $stamp || $(cat "$stamp") != "$wanted" ]]; then
    python=$(find_python)
    echo "Making the environment in .venv from $lock (a minute or two, once)"
    [[ -x .venv/bin/python ]] || "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
    echo "$wanted" >"$stamp"
fi
export PATH="$PWD/.venv/bin:$PATH"
