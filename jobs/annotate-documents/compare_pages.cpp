// compare-pages A.h5 B.h5 …: says whether the outputs of several runs hold the same pages, that is
// the same set of (key, text), in whatever order. Exit code 0: the same; 1: not; 2: unreadable.
#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using Page = std::pair<std::string, std::string>;

template <class Result>
Result checked(Result result, const char* path, const char* dataset) {
  if (result < 0) throw std::runtime_error(fmt::format("cannot read /{} of {}", dataset, path));
  return result;
}

// The process ends soon after, so identifiers are left to the library.
std::vector<std::string> read_strings(const char* path, const char* name) {
  const hid_t file = checked(H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), path, name);
  const hid_t dataset = checked(H5Dopen2(file, name, H5P_DEFAULT), path, name);
  const hid_t type = checked(H5Dget_type(dataset), path, name);
  checked(H5Tis_variable_str(type) > 0 ? 0 : -1, path, name);
  const hid_t space = checked(H5Dget_space(dataset), path, name);
  std::vector<char*> rows(
      static_cast<std::size_t>(checked(H5Sget_simple_extent_npoints(space), path, name)));
  checked(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows.data()), path, name);
  return {rows.begin(), rows.end()};
}

std::vector<Page> read_pages(const char* path) {
  const auto keys = read_strings(path, "key");
  const auto texts = read_strings(path, "text");
  if (keys.size() != texts.size()) {
    throw std::runtime_error(
        fmt::format("{} has {} keys and {} texts", path, keys.size(), texts.size()));
  }
  std::vector<Page> pages;
  for (std::size_t i = 0; i < keys.size(); ++i) pages.emplace_back(keys[i], texts[i]);
  std::sort(pages.begin(), pages.end());
  return pages;
}

// Prints the pages of `pages` that `others` lacks.
bool all_in(const std::vector<Page>& pages, const char* path, const std::vector<Page>& others,
            const char* other_path) {
  std::vector<Page> extra;
  std::set_difference(pages.begin(), pages.end(), others.begin(), others.end(),
                      std::back_inserter(extra));
  for (const auto& page : extra) {
    fmt::print("{}: its text in {} is not that in {}\n", page.first, path, other_path);
  }
  return extra.empty();
}

bool compare(const std::vector<const char*>& paths) {
  const auto first = read_pages(paths[0]);
  bool same = true;
  for (std::size_t i = 1; i < paths.size(); ++i) {
    const auto other = read_pages(paths[i]);
    same = all_in(first, paths[0], other, paths[i]) && same;
    same = all_in(other, paths[i], first, paths[0]) && same;
  }
  if (same) fmt::print("{} pages, the same in all {} files\n", first.size(), paths.size());
  return same;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: compare-pages A.h5 B.h5 ...\n", stderr);
    return 2;
  }
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  try {
    return compare({argv + 1, argv + argc}) ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "compare-pages: {}\n", error.what());
    return 2;
  }
}
