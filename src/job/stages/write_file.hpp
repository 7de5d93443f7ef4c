#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string_view>

namespace sluice::job {

/// Writes the file whole: under a temporary name, synced and then renamed. Makes its folder. Throws
/// IoError.
void write_file(const std::filesystem::path& path, std::string_view bytes);
/// As above, with the temporary in a folder where the next run finds it if this one is killed.
void write_file(const std::filesystem::path& path, std::string_view bytes,
                const std::filesystem::path& scratch);

/// A file open for buffered writing; every failure throws IoError naming it.
class OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path);
  void write(std::string_view bytes);
  /// Writes out what is buffered; without it a failure to write the last bytes would go unseen.
  void close();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace sluice::job
