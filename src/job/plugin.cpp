#include "job/plugin.hpp"

#include <sluice/error.hpp>

#include <dlfcn.h>
#include <fmt/format.h>

#include <exception>
#include <string_view>

namespace sluice::job {
namespace {

using VersionFunction = const char*();
using RegisterFunction = void(StageRegistry&);

[[noreturn]] void fail(const std::string& wanted_by, const std::string& reason) {
  throw PluginError(fmt::format("{}: {}", wanted_by, reason));
}

void* open_library(const std::filesystem::path& path, const std::string& wanted_by) {
  // Without a slash dlopen would search the system's folders instead.
  const auto file = std::filesystem::absolute(path);
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    fail(wanted_by, fmt::format("plugin '{}' does not exist (looked for '{}'); build it, or run "
                                "sluice in the folder to which the path belongs",
                                path.string(), file.string()));
  }
  void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    fail(wanted_by, fmt::format("plugin '{}' cannot be loaded: {}", path.string(), ::dlerror()));
  }
  return library;
}

template <class Function>
Function* symbol(void* library, const char* name, const std::filesystem::path& path,
                 const std::string& wanted_by) {
  auto* function = reinterpret_cast<Function*>(::dlsym(library, name));
  if (function != nullptr) return function;
  fail(wanted_by, fmt::format("'{}' is a library, but no sluice plugin: it has no function {}; "
                              "define it with SLUICE_PLUGIN of sluice/registry.hpp",
                              path.string(), name));
}

}  // namespace

void load_plugin(const std::filesystem::path& path, const std::string& wanted_by,
                 StageRegistry& registry) {
  void* library = open_library(path, wanted_by);
  const std::string_view version =
      symbol<VersionFunction>(library, "sluice_plugin_version", path, wanted_by)();
  if (version != SLUICE_VERSION) {
    fail(wanted_by, fmt::format("plugin '{}' was built for sluice {}, and this is sluice {}; build "
                                "the plugin again",
                                path.string(), version, SLUICE_VERSION));
  }
  auto* add_stages = symbol<RegisterFunction>(library, "sluice_plugin_register", path, wanted_by);
  try {
    add_stages(registry);
  } catch (const std::exception& error) {
    fail(wanted_by,
         fmt::format("plugin '{}' cannot register its stages: {}", path.string(), error.what()));
  }
}

}  // namespace sluice::job
