#!/usr/bin/env python3
"""try_page.py PAGE: tries every code block of a page, in order, in a folder of its own.

A block with a file name is that file. Shell blocks are run; job files and parts of them validated;
C++ is compiled, without making anything of it; Python is compiled. A block that cannot be run has
`<!-- not run: WHY -->` before it. In tests/docs/pages/PAGE are files that the page takes to be
there, `before.sh` and `after.sh`, which checks what came of it all. Exit code 77: before.sh says
that this machine lacks what the page needs.

From the environment: SLUICE_BUILD, SLUICE_SOURCE, CXX and SLUICE_PYTHON."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from markdown import blocks, stray_code

SOURCE = pathlib.Path(os.environ["SLUICE_SOURCE"])
BUILD = pathlib.Path(os.environ["SLUICE_BUILD"])
SKIPPED = 77
PART_OF_A_STAGE = '[[stage]]\nname = "part"\ncommand = ["true"]\n'


class Failed(Exception):
    pass


def execute(command, folder, log=None):
    ended = subprocess.run(command, cwd=folder, text=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=200)
    print(ended.stdout, end="", flush=True)
    if log:
        with open(log, "a") as file:
            file.write(ended.stdout)
    if ended.returncode:
        raise Failed(f"exit code {ended.returncode}")


def run_shell(block, folder):
    execute(["bash", "-euxo", "pipefail", "-c", block.text], folder, folder / "output")


def whole_job(text):
    """A job of which this may be a part: a table, or keys of a stage."""
    if not text.lstrip().startswith("["):
        text = PART_OF_A_STAGE + text
    if "[[stage]]" not in text:
        text += PART_OF_A_STAGE
    return text if "[input]" in text else '[input]\nkeys = ["a"]\n' + text


def check_toml(block, folder):
    is_topology = "[[node]]" in block.text
    file = folder / ("topology.toml" if is_topology else "part.toml")
    file.write_text(block.text if is_topology else whole_job(block.text))
    job = ["plan", "job.toml", "--topology", file.name] if is_topology else ["validate", file.name]
    execute(["sluice", *job], folder)


def check_cpp(block, folder):
    text = block.text
    if "#include" not in text:
        text = "#include <sluice/sluice.hpp>\nvoid tried() {\n" + text + "}\n"
    (folder / "block.cpp").write_text(text)
    execute([os.environ.get("CXX", "g++"), "-std=c++20", "-Wall", "-Werror", "-fsyntax-only",
             f"-I{SOURCE}/include", f"-I{BUILD}/include", "block.cpp"], folder)


def check_python(block, _folder):
    compile(block.text, "block", "exec")


def check_json(block, _folder):
    for line in block.text.splitlines():
        json.loads(line)


CHECKS = {"sh": run_shell, "toml": check_toml, "cpp": check_cpp, "python": check_python,
          "json": check_json, "cmake": None, "text": None}


def try_block(block, folder):
    if block.language not in CHECKS:
        raise Failed(f"nobody tries '{block.language}'; known: {', '.join(CHECKS)}")
    if block.file:
        (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
        (folder / block.file).write_text(block.text)
    elif CHECKS[block.language]:
        CHECKS[block.language](block, folder)


def prepare(files, folder):
    for name, program in [("sluice", BUILD / "sluice"), ("python", os.environ["SLUICE_PYTHON"])]:
        (folder / "bin").mkdir(exist_ok=True)
        script = folder / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {program} "$@"\n')
        script.chmod(0o755)
    os.environ["PATH"] = f"{folder / 'bin'}:{os.environ['PATH']}"
    os.environ.update(PYTHONPATH=str(SOURCE / "python"), PYTHONDONTWRITEBYTECODE="1",
                      TMPDIR=str(folder / "tmp"), HOME=str(folder))
    (folder / "tmp").mkdir()
    (folder / "build").symlink_to(BUILD)
    for source in [SOURCE / "tests/docs/pages/common", files]:
        if source.is_dir():
            shutil.copytree(source, folder, dirs_exist_ok=True)


def try_page(page, files, folder):
    prepare(files, folder)
    if (folder / "before.sh").exists():
        code = subprocess.run(["bash", "-euo", "pipefail", "before.sh"], cwd=folder).returncode
        if code == SKIPPED:
            sys.exit(SKIPPED)
        if code:
            raise Failed(f"before.sh ended with {code}")
    text = page.read_text()
    if code := stray_code(text):
        raise Failed(f"{page}: code that is in no fence: {code}")
    for block in blocks(text):
        print(f"== {page}:{block.line} {block.language} {block.file}{block.not_run}", flush=True)
        if block.not_run:
            continue
        try:
            try_block(block, folder)
        except (Failed, SyntaxError, ValueError, subprocess.TimeoutExpired) as error:
            raise Failed(f"{page}:{block.line}: {error}") from None
    if (folder / "after.sh").exists():
        execute(["bash", "-euo", "pipefail", "after.sh"], folder)


def main(name):
    files = SOURCE / "tests/docs/pages" / pathlib.Path(name).with_suffix("")
    with tempfile.TemporaryDirectory(prefix="sluice-docs-", ignore_cleanup_errors=True) as folder:
        try:
            try_page(SOURCE / name, files, pathlib.Path(folder))
        except Failed as error:
            sys.exit(str(error))


main(sys.argv[1])
