"""python -m sluice MODULE:CLASS or FILE.py:CLASS: runs a stage whose file does not call run()."""

import importlib
import importlib.util
import os
import sys

from .worker import run


def load(what: str):
    """The class that MODULE:CLASS or FILE.py:CLASS names."""
    module_name, colon, class_name = what.rpartition(":")
    if not colon or not module_name or not class_name:
        raise ValueError(f"'{what}' is not MODULE:CLASS or FILE.py:CLASS")
    if module_name.endswith(".py"):
        name = os.path.splitext(os.path.basename(module_name))[0]
        spec = importlib.util.spec_from_file_location(name, module_name)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        sys.path.insert(0, os.path.dirname(os.path.abspath(module_name)))
        spec.loader.exec_module(module)
    else:
        sys.path.insert(0, os.getcwd())
        module = importlib.import_module(module_name)
    return getattr(module, class_name)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m sluice MODULE:CLASS | FILE.py:CLASS")
    run(load=lambda: load(sys.argv[1]))


if __name__ == "__main__":
    main()
