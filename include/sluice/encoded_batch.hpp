#pragma once

#include <sluice/buffer.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

class Decoder;

/// A record's place among the descendants of an input record: four bytes (big endian) for each
/// stage that turned one record into several. Most records have none, so that none costs little.
class RecordPath {
 public:
  RecordPath() = default;
  // NOLINTBEGIN(google-explicit-constructor): a path is nothing but its bytes.
  RecordPath(std::string_view bytes) {
    if (!bytes.empty()) bytes_ = std::make_unique<const std::string>(bytes);
  }
  RecordPath(const char* bytes) : RecordPath(std::string_view(bytes)) {}
  operator std::string_view() const noexcept { return view(); }
  // NOLINTEND(google-explicit-constructor)
  RecordPath(const RecordPath& other) : RecordPath(other.view()) {}
  RecordPath(RecordPath&&) noexcept = default;
  RecordPath& operator=(const RecordPath& other) { return *this = RecordPath(other); }
  RecordPath& operator=(RecordPath&&) noexcept = default;
  ~RecordPath() = default;

  std::string_view view() const noexcept { return bytes_ ? *bytes_ : std::string_view(); }
  std::size_t size() const noexcept { return view().size(); }

  /// The path of this record's descendant of that number.
  RecordPath child(std::uint32_t number) const;

  bool operator==(const RecordPath& other) const noexcept { return view() == other.view(); }
  auto operator<=>(const RecordPath& other) const noexcept { return view() <=> other.view(); }

 private:
  std::unique_ptr<const std::string> bytes_;
};

/// Who a record is: the index of the input record that it descends from, and its place among that
/// record's descendants. Ordering by (origin, path) gives the order of a sequential run.
struct RecordId {
  std::uint64_t origin = 0;
  RecordPath path;

  auto operator<=>(const RecordId&) const = default;
};

/// A batch in wire form: every record's encoded bytes end to end, and beside them the large
/// buffers, which are shared and never copied into the bytes. Moves between ranks.
class EncodedBatch {
 public:
  std::size_t size() const noexcept { return entries_.size(); }
  bool empty() const noexcept { return entries_.empty(); }
  const RecordId& id(std::size_t i) const { return entries_[i].id; }

  /// Bytes held: encoded bytes plus attached buffers.
  std::uint64_t stored_bytes() const noexcept { return bytes_.size() + buffer_bytes_; }

  std::string_view record_bytes(std::size_t i) const {
    const auto begin = i == 0 ? 0 : entries_[i - 1].bytes_end;
    return std::string_view(bytes_).substr(begin, entries_[i].bytes_end - begin);
  }
  std::span<const Buffer> record_buffers(std::size_t i) const {
    const auto begin = i == 0 ? 0 : entries_[i - 1].buffers_end;
    return std::span(buffers_).subspan(begin, entries_[i].buffers_end - begin);
  }

  void reserve(std::size_t records) {
    entries_.reserve(records);
    bytes_.reserve(256);  // a few growths less for small records
  }

  /// Appended to by an Encoder: a record's bytes and buffers first, then `end_record`.
  std::string& open_bytes() noexcept { return bytes_; }
  void attach(Buffer buffer);
  void end_record(RecordId id) {
    entries_.push_back({std::move(id), bytes_.size(), buffers_.size()});
  }
  /// After the first of `records`: the others are probably as long.
  void expect_alike(std::size_t records);

  void append(const EncodedBatch& other);
  EncodedBatch slice(std::size_t first, std::size_t count) const;

  /// The batch without its attached buffers, for the wire, and back; `buffers` are those of
  /// `take_buffers`. `unpack` throws DecodeError when the bytes are not a packed batch.
  void pack(std::string& out) const;
  static EncodedBatch unpack(std::string_view packed, std::vector<Buffer> buffers);
  std::vector<Buffer> take_buffers() && { return std::move(buffers_); }

  /// The attached buffers, of all records.
  std::span<const Buffer> buffers() const noexcept { return buffers_; }
  /// Puts others in their place, each as large as the one before and with the same bytes.
  void set_buffers(std::vector<Buffer> buffers) { buffers_ = std::move(buffers); }

 private:
  struct Entry {
    RecordId id;
    std::uint64_t bytes_end = 0;
    std::uint64_t buffers_end = 0;
  };
  void read_ids(Decoder& decoder, std::uint64_t count);
  void read_sizes(Decoder& decoder, std::uint64_t buffer_room);

  std::vector<Entry> entries_;
  std::string bytes_;
  std::vector<Buffer> buffers_;
  std::uint64_t buffer_bytes_ = 0;
};

}  // namespace sluice
