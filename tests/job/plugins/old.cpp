#include <sluice/registry.hpp>

#include <cstdlib>

extern "C" const char* sluice_plugin_version() { return "0.0.7"; }
// Must not be called: what an old plugin does with a registry is anyone's guess.
extern "C" void sluice_plugin_register(sluice::StageRegistry&) { std::abort(); }
