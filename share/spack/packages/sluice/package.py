from pathlib import Path

from spack.package import *

try:  # Spack 1.0 and later
    from spack_repo.builtin.build_systems.cmake import CMakePackage
except ImportError:
    pass


class Sluice(CMakePackage):
    """Batch and streaming pipelines over MPI."""

    # The checkout that this file is in.
    git = Path(__file__).resolve().parents[4].as_uri()

    version("main", branch="main")

    variant("tesseract", default=False, description="Build the plugin of the example job")
    variant("cuda", default=False, description="Build with CUDA and NCCL, for stages on GPUs")
    variant("tests", default=False, description="Build the tests and benchmarks")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("mpi")
    depends_on("hdf5")
    depends_on("fmt")
    depends_on("spdlog")
    depends_on("cereal@1.3:")
    depends_on("nlohmann-json")
    depends_on("tomlplusplus")
    depends_on("cli11")
    depends_on("curl")
    depends_on("pugixml")
    depends_on("libarchive")
    depends_on("openssl")
    depends_on("hwloc")
    depends_on("libmicrohttpd")
    depends_on("zstd")
    depends_on("xxhash")
    depends_on("tesseract", when="+tesseract")
    depends_on("cuda", when="+cuda")
    depends_on("nccl", when="+cuda")
    depends_on("googletest+gmock", when="+tests")
    depends_on("benchmark", when="+tests")

    conflicts("%gcc@:11")

    def cmake_args(self):
        return [
            self.define_from_variant("SLUICE_BUILD_JOBS", "tesseract"),
            self.define_from_variant("SLUICE_CUDA", "cuda"),
            self.define_from_variant("SLUICE_NCCL", "cuda"),
            self.define_from_variant("SLUICE_BUILD_TESTS", "tests"),
            self.define_from_variant("SLUICE_BUILD_BENCHMARKS", "tests"),
        ]
