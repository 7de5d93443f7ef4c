#!/usr/bin/env python3
"""recipes.py SOURCE: runs the Spack recipe with directives that write down what they are given, and
compares that with CMakeLists.txt; and checks that Apptainer's definition takes the packages that
cpack makes."""

import fnmatch
import pathlib
import re
import runpy
import sys
import types

NAMES = {"nlohmann_json": "nlohmann-json", "microhttpd": "libmicrohttpd"}
ELSEWHERE = {"threads"}  # of the compiler
OPTION = r"^(?:option\((\w+)|set\((\w+) AUTO CACHE)"
UNSET = {"SLUICE_WERROR"}  # of those who work on sluice
SECTIONS = {"files", "post", "test", "runscript", "help"}


def run_recipe(path):
    """What its class says, and its CMake arguments."""
    said = types.SimpleNamespace(dependencies=set(), variants=set())
    package = types.ModuleType("spack.package")
    package.version = package.conflicts = lambda *_, **__: None
    package.variant = lambda name, **_: said.variants.add(name)
    package.depends_on = lambda spec, **_: said.dependencies.add(re.match(r"[\w-]+", spec)[0])
    package.CMakePackage = type("CMakePackage", (), {
        "define_from_variant": lambda _, option, variant: (option, variant)})
    sys.modules.update({"spack": types.ModuleType("spack"), "spack.package": package})
    recipe = runpy.run_path(str(path))["Sluice"]
    return said, recipe.git, recipe().cmake_args()


def needed(cmake):
    names = re.findall(r"^(?:find_package|pkg_check_modules)\((\w+)", cmake, re.MULTILINE)
    return {NAMES.get(name, name.lower()) for name in names} - ELSEWHERE


def check_spack(source):
    cmake = (source / "CMakeLists.txt").read_text()
    said, git, arguments = run_recipe(source / "share/spack/packages/sluice/package.py")
    assert len(needed(cmake)) > 15, needed(cmake)
    missing = needed(cmake) - said.dependencies
    assert not missing, f"the recipe does not depend on {missing}"
    assert git == source.as_uri(), git
    gpu = (source / "cmake/SluiceGpu.cmake").read_text()
    options = {a or b for a, b in re.findall(OPTION, cmake + "\n" + gpu, re.MULTILINE)}
    # One that is left out would take what the machine happens to have.
    assert options - UNSET == {option for option, _ in arguments}, (options, arguments)
    for _, variant in arguments:
        assert variant in said.variants, f"there is no variant {variant}"


def check_apptainer(source):
    text = (source / "share/apptainer/sluice.def").read_text()
    assert set(re.findall(r"^%(\w+)", text, re.MULTILINE)) == SECTIONS
    taken = re.findall(r"^    build/(\S+\.deb) ", text, re.MULTILINE)
    for package in ["sluice", "sluice-jobs"]:
        deb = f"{package}_0.1.0_amd64.deb"
        assert any(fnmatch.fnmatch(deb, pattern) for pattern in taken), f"{package} is not taken"


check_spack(pathlib.Path(sys.argv[1]).resolve())
check_apptainer(pathlib.Path(sys.argv[1]).resolve())
