#include "process/child.hpp"
#include "process/environment.hpp"
#include "process/log_tail.hpp"
#include "process/system.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <map>
#include <mutex>
#include <utility>

namespace sluice::process {
namespace {

constexpr std::chrono::minutes longest{2};

store::Descriptor scratch() {
  return store::Descriptor(
      checked(::memfd_create("sluice-env", MFD_CLOEXEC), "make a scratch file"));
}

Variables parsed(const std::string& text) {
  Variables variables;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\0', begin), text.size());
    const auto variable = text.substr(begin, end - begin);
    const auto equals = variable.find('=');
    if (equals != std::string::npos) {
      variables[variable.substr(0, equals)] = variable.substr(equals + 1);
    }
    begin = end + 1;
  }
  for (const auto* of_the_shell : {"_", "SHLVL", "OLDPWD"}) variables.erase(of_the_shell);
  return variables;
}

Variables capture(const std::vector<std::string>& bash_arguments, const Variables& before,
                  const std::string& trouble) {
  const auto bash = find_program("bash", before);
  if (bash.empty()) throw UsageError(trouble + ": there is no bash here");
  ChildSpec spec{bash, {"bash"}, {}, {}, false};
  spec.arguments.insert(spec.arguments.end(), bash_arguments.begin(), bash_arguments.end());
  for (const auto& [name, value] : before) spec.variables.push_back(name + "=" + value);
  const auto output = scratch();
  const auto errors = scratch();
  const store::Descriptor nothing(
      checked(::open("/dev/null", O_RDONLY | O_CLOEXEC), "open /dev/null"));
  spec.files = {nothing.get(), errors.get(), errors.get(), output.get()};
  Child child(spec);
  const auto status = child.wait(longest);
  if (status == 0) return parsed(text_from(output.get(), 0));
  throw UsageError(fmt::format("{}: {}{}", trouble,
                               status ? status_text(*status) : "it took too long",
                               indented(last_lines_of(text_from(errors.get(), 0)))));
}

}  // namespace

Variables captured(const std::vector<std::string>& bash_arguments, const Variables& before,
                   const std::string& trouble) {
  static std::mutex mutex;
  static std::map<std::pair<std::vector<std::string>, Variables>, Variables> known;
  const std::lock_guard lock(mutex);
  const auto key = std::pair(bash_arguments, before);
  const auto found = known.find(key);
  if (found != known.end()) return found->second;
  return known[key] = capture(bash_arguments, before, trouble);
}

}  // namespace sluice::process
