#include "store/hdf5_merge.hpp"

#include "store/atomic_file.hpp"
#include "store/hdf5_dataset.hpp"
#include "store/hdf5_file.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>

namespace sluice::store {
namespace {

constexpr std::size_t block_bytes = 4 << 20;
constexpr hsize_t block_strings = 1024;

herr_t note_dataset(hid_t, const char* name, const H5O_info_t* info, void* names) {
  if (info->type == H5O_TYPE_DATASET) {
    static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  }
  return 0;
}

/// A dataset of one part, read from front to back.
class Source {
 public:
  Source(hid_t file, const std::string& name, const std::string& path)
      : doing_(fmt::format("cannot read dataset '{}' of '{}'", name, path)),
        dataset_(
            hdf5_open(doing_, H5Dclose, [&] { return H5Dopen2(file, name.c_str(), H5P_DEFAULT); })),
        type_(hdf5_open(doing_, H5Tclose, [&] { return H5Dget_type(dataset_.get()); })),
        space_(hdf5_open(doing_, H5Sclose, [&] { return H5Dget_space(dataset_.get()); })) {
    const int rank = hdf5(doing_, [&] { return H5Sget_simple_extent_ndims(space_.get()); });
    extent_.resize(static_cast<std::size_t>(std::max(rank, 1)));
    hdf5(doing_, [&] { return H5Sget_simple_extent_dims(space_.get(), extent_.data(), nullptr); });
    row_bytes_ = hdf5(doing_, [&] { return static_cast<hssize_t>(H5Tget_size(type_.get())); });
    for (std::size_t i = 1; i < extent_.size(); ++i) {
      row_bytes_ *= static_cast<hssize_t>(extent_[i]);
    }
  }

  bool holds_strings() const {
    return hdf5(doing_, [&] { return H5Tis_variable_str(type_.get()); }) > 0;
  }
  hid_t type() const { return type_.get(); }
  hsize_t rows() const { return extent_[0]; }
  std::vector<hsize_t> row_shape() const { return {extent_.begin() + 1, extent_.end()}; }
  std::size_t chunk_bytes() const {
    const auto list =
        hdf5_open(doing_, H5Pclose, [&] { return H5Dget_create_plist(dataset_.get()); });
    std::vector<hsize_t> chunk(extent_.size());
    hdf5(doing_,
         [&] { return H5Pget_chunk(list.get(), static_cast<int>(chunk.size()), chunk.data()); });
    return chunk[0] * static_cast<std::size_t>(row_bytes_);
  }
  bool is_like(const Source& other) const {
    return row_shape() == other.row_shape() &&
           hdf5(doing_, [&] { return H5Tequal(type_.get(), other.type_.get()); }) > 0;
  }

  void each_block(const std::function<void(std::span<std::byte>)>& take) const {
    const auto block = std::max<hsize_t>(1, block_bytes / static_cast<std::size_t>(row_bytes_));
    std::vector<std::byte> bytes;
    for (hsize_t at = 0; at < rows(); at += block) {
      const auto count = std::min(block, rows() - at);
      bytes.resize(count * static_cast<std::size_t>(row_bytes_));
      read(at, count, bytes.data());
      take(bytes);
    }
  }

  void each_string(const std::function<void(std::string_view)>& take) const {
    for (hsize_t at = 0; at < rows(); at += block_strings) {
      std::vector<char*> strings(std::min(block_strings, rows() - at), nullptr);
      const auto memory = read(at, strings.size(), strings.data());
      for (const char* string : strings) take(string == nullptr ? "" : string);
      hdf5(doing_,
           [&] { return H5Dvlen_reclaim(type_.get(), memory.get(), H5P_DEFAULT, strings.data()); });
    }
  }

 private:
  Hdf5Id read(hsize_t first, hsize_t count, void* into) const {
    auto shape = extent_;
    shape[0] = count;
    std::vector<hsize_t> start(extent_.size(), 0);
    start[0] = first;
    auto memory = hdf5_open(doing_, H5Sclose, [&] {
      return H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    });
    hdf5(doing_, [&] {
      return H5Sselect_hyperslab(space_.get(), H5S_SELECT_SET, start.data(), nullptr, shape.data(),
                                 nullptr);
    });
    hdf5(doing_, [&] {
      return H5Dread(dataset_.get(), type_.get(), memory.get(), space_.get(), H5P_DEFAULT, into);
    });
    return memory;
  }

  std::string doing_;
  Hdf5Id dataset_;
  Hdf5Id type_;
  Hdf5Id space_;
  std::vector<hsize_t> extent_;
  hssize_t row_bytes_ = 0;
};

class Merge {
 public:
  Merge(const std::vector<std::filesystem::path>& parts, const std::filesystem::path& target)
      : output_(target, AtomicFile::Temporary::own), file_(create_hdf5_file(output_.temporary())) {
    for (const auto& part : parts) {
      paths_.push_back(part.string());
      parts_.push_back(open_hdf5_file(fmt::format("cannot open '{}'", part.string()), part));
    }
  }

  void run() {
    const auto names = datasets_of(0);
    for (std::size_t i = 1; i < parts_.size(); ++i) require_same(names, i);
    for (const auto& name : names) copy(name);
    file_.close(fmt::format("cannot close '{}'", output_.path().string()));
    output_.commit();
  }

 private:
  std::vector<std::string> datasets_of(std::size_t part) const {
    std::vector<std::string> names;
    hdf5(fmt::format("cannot list '{}'", paths_[part]), [&] {
      return H5Ovisit2(parts_[part].get(), H5_INDEX_NAME, H5_ITER_INC, &note_dataset, &names,
                       H5O_INFO_BASIC);
    });
    return names;
  }

  [[noreturn]] void refuse(std::size_t part, std::string_view why) const {
    throw IoError(
        fmt::format("'{}' and '{}' cannot become one file, '{}': {}; both stay as they "
                    "are",
                    paths_[0], paths_[part], output_.path().string(), why));
  }

  void require_same(const std::vector<std::string>& names, std::size_t part) const {
    if (datasets_of(part) != names) refuse(part, "they have different fields");
  }

  void copy(const std::string& name) {
    make_groups(name);
    const Source first(parts_[0].get(), name, paths_[0]);
    const DatasetPlace place{file_.get(), name, output_.path().string()};
    if (first.holds_strings()) return copy_strings(place);
    RowDataset rows(place, first.type(), first.row_shape(), first.chunk_bytes());
    const bool offsets = name.ends_with("/offsets");
    std::uint64_t base = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const Source source(parts_[i].get(), name, paths_[i]);
      if (!source.is_like(first)) refuse(i, fmt::format("'{}' has two types", name));
      if (offsets) {
        base = copy_offsets(source, i == 0, base, rows);
      } else {
        source.each_block([&](std::span<std::byte> block) { rows.append(block); });
      }
    }
    rows.finish();
  }

  // Each part's begin at 0, which the one before it has said already.
  static std::uint64_t copy_offsets(const Source& source, bool first_part, std::uint64_t base,
                                    RowDataset& rows) {
    std::uint64_t last = base;
    bool skip = !first_part;
    source.each_block([&](std::span<std::byte> block) {
      for (std::size_t at = 0; at < block.size(); at += sizeof last) {
        std::memcpy(&last, block.data() + at, sizeof last);
        last += base;
        std::memcpy(block.data() + at, &last, sizeof last);
      }
      rows.append(skip ? block.subspan(sizeof last) : block);
      skip = false;
    });
    return last;
  }

  void copy_strings(const DatasetPlace& place) {
    StringDataset strings(place);
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const Source source(parts_[i].get(), place.name, paths_[i]);
      if (!source.holds_strings()) refuse(i, fmt::format("'{}' has two types", place.name));
      source.each_string([&](std::string_view text) { strings.append(text); });
    }
    strings.finish();
  }

  void make_groups(const std::string& dataset) {
    const auto slash = dataset.rfind('/');
    if (slash == std::string::npos) return;
    const auto group = dataset.substr(0, slash);
    if (group == made_) return;
    made_ = group;
    hdf5_open(fmt::format("cannot write '{}'", output_.path().string()), H5Gclose, [&] {
      return H5Gcreate2(file_.get(), group.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    });
  }

  AtomicFile output_;
  Hdf5Id file_;
  std::vector<std::string> paths_;
  std::vector<Hdf5Id> parts_;
  std::string made_;  ///< the group made last; the datasets of one follow each other
};

}  // namespace

void merge_hdf5_files(const std::vector<std::filesystem::path>& parts,
                      const std::filesystem::path& target) {
  Merge(parts, target).run();
}

}  // namespace sluice::store
