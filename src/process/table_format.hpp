#pragma once

#include <bit>
#include <cstdint>

/// How a table lies in memory: docs/process-protocol.md.
namespace sluice::process {

static_assert(std::endian::native == std::endian::little, "tables are little endian");

inline constexpr std::uint32_t table_magic = 0x31424C53;  // "SLB1"
inline constexpr std::uint64_t value_alignment = 64;

struct TableHead {
  std::uint32_t magic = table_magic;
  std::uint32_t records = 0;
  std::uint32_t fields = 0;
  std::uint32_t dimensions = 0;
  std::uint64_t text_bytes = 0;
  std::uint64_t zero = 0;
};

struct RecordEntry {
  std::uint32_t source = 0;
  std::uint32_t fields = 0;
  std::uint32_t key_length = 0;
  std::uint32_t zero = 0;
};

/// In the order of Value's alternatives.
enum class FieldType : std::uint8_t { bytes, string, int64, number, tensor };
enum class FieldMemory : std::uint8_t { own, other };

struct FieldEntry {
  std::uint32_t name_length = 0;
  FieldType type = FieldType::bytes;
  std::uint8_t dtype = 0;
  std::uint8_t dimensions = 0;
  FieldMemory memory = FieldMemory::own;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
};

static_assert(sizeof(TableHead) == 32 && sizeof(RecordEntry) == 16 && sizeof(FieldEntry) == 24);

constexpr std::uint64_t rounded_up(std::uint64_t size, std::uint64_t multiple) {
  return (size + multiple - 1) / multiple * multiple;
}

/// All but the text.
constexpr std::uint64_t text_offset(const TableHead& head) {
  return sizeof(TableHead) + sizeof(RecordEntry) * std::uint64_t{head.records} +
         sizeof(FieldEntry) * std::uint64_t{head.fields} + 8 * std::uint64_t{head.dimensions};
}

}  // namespace sluice::process
