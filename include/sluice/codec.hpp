#pragma once

#include <sluice/buffer.hpp>
#include <sluice/encoded_batch.hpp>
#include <sluice/error.hpp>

#include <cereal/cereal.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/common.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>

#include <algorithm>
#include <concepts>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace sluice {

/// Buffers of at least this many bytes travel beside the encoded bytes instead of inside them.
inline constexpr std::size_t attach_threshold = 4096;

/// A cereal output archive that appends to an EncodedBatch (or to a plain string, for messages
/// without buffers). Sizes are varints; numbers are in the machine's own byte order, since every
/// rank of a run has the same.
class Encoder : public cereal::OutputArchive<Encoder, cereal::AllowEmptyClassElision> {
 public:
  explicit Encoder(EncodedBatch& batch) : Encoder(batch.open_bytes(), &batch) {}
  explicit Encoder(std::string& bytes) : Encoder(bytes, nullptr) {}

  void write(const void* data, std::size_t size) {
    bytes_.append(static_cast<const char*>(data), size);
  }
  void write_size(std::uint64_t size);
  void write_buffer(const Buffer& buffer);

 private:
  Encoder(std::string& bytes, EncodedBatch* batch)
      : cereal::OutputArchive<Encoder, cereal::AllowEmptyClassElision>(this),
        bytes_(bytes),
        batch_(batch) {}

  std::string& bytes_;
  EncodedBatch* batch_;
};

/// The reading side; every read is bounds-checked and throws DecodeError.
class Decoder : public cereal::InputArchive<Decoder, cereal::AllowEmptyClassElision> {
 public:
  explicit Decoder(std::string_view bytes, std::span<const Buffer> buffers = {})
      : cereal::InputArchive<Decoder, cereal::AllowEmptyClassElision>(this),
        bytes_(bytes),
        buffers_(buffers) {}

  /// Starts on other bytes; making a Decoder costs more than reading a small record.
  void restart(std::string_view bytes, std::span<const Buffer> buffers) {
    bytes_ = bytes;
    buffers_ = buffers;
  }

  void read(void* data, std::size_t size) {
    if (size > bytes_.size()) throw_truncated(size);
    if (size > 0) std::memcpy(data, bytes_.data(), size);  // an empty vector's data may be null
    bytes_.remove_prefix(size);
  }
  std::uint64_t read_size();
  /// How many elements follow, each of `bytes` at least. Throws DecodeError if that is more than
  /// what is left can hold, so that nobody makes room for a number that is made up.
  std::uint64_t read_count(std::size_t bytes = 1);
  Buffer read_buffer();
  std::string_view read_view(std::size_t size);

  /// What has not been read yet.
  std::string_view rest() const noexcept { return bytes_; }

  /// Throws DecodeError if anything is left over.
  void finish() const {
    if (!bytes_.empty() || !buffers_.empty()) throw_left_over();
  }

  /// Elements that take no bytes: throws DecodeError if there are very many of them.
  void require_few(std::uint64_t count) const {
    if (count > most_without_bytes) throw_too_many(count);
  }
  static constexpr std::uint64_t most_without_bytes = std::uint64_t{1} << 20;

 private:
  [[noreturn]] void throw_truncated(std::size_t wanted) const;
  [[noreturn]] void throw_too_many(std::uint64_t count) const;
  [[noreturn]] void throw_left_over() const;

  std::string_view bytes_;
  std::span<const Buffer> buffers_;
};

template <class T>
concept Arithmetic = std::is_arithmetic_v<T>;
template <class T>
concept CodecArchive = std::same_as<T, Encoder> || std::same_as<T, Decoder>;

// How the archives treat the primitive types; the rest is cereal's.
template <Arithmetic T>
void CEREAL_SAVE_FUNCTION_NAME(Encoder& encoder, const T& value) {
  encoder.write(&value, sizeof value);
}
template <Arithmetic T>
void CEREAL_LOAD_FUNCTION_NAME(Decoder& decoder, T& value) {
  decoder.read(&value, sizeof value);
}
template <class T>
void CEREAL_SAVE_FUNCTION_NAME(Encoder& encoder, const cereal::BinaryData<T>& data) {
  encoder.write(data.data, static_cast<std::size_t>(data.size));
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(Decoder& decoder, cereal::BinaryData<T>& data) {
  decoder.read(data.data, static_cast<std::size_t>(data.size));
}
template <class T>
void CEREAL_SAVE_FUNCTION_NAME(Encoder& encoder, const cereal::SizeTag<T>& size) {
  encoder.write_size(static_cast<std::uint64_t>(size.size));
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(Decoder& decoder, cereal::SizeTag<T>& size) {
  size.size = static_cast<std::remove_reference_t<T>>(decoder.read_count());
}
// In place of cereal's, which makes room for as many elements as the bytes say there are.
template <class T, class Allocator>
requires(!std::same_as<T, bool>) void CEREAL_LOAD_FUNCTION_NAME(Decoder& decoder,
                                                                std::vector<T, Allocator>& values) {
  if constexpr (Arithmetic<T>) {
    values.resize(decoder.read_count(sizeof(T)));
    decoder.read(values.data(), values.size() * sizeof(T));
  } else {
    const auto count = decoder.read_size();
    values.clear();
    values.reserve(std::min<std::uint64_t>(count, decoder.rest().size() / sizeof(T) + 1));
    while (values.size() < count) {
      const auto left = decoder.rest().size();
      decoder(values.emplace_back());
      if (left == decoder.rest().size()) decoder.require_few(count);
    }
  }
}
template <CodecArchive Archive, class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(Archive& archive, cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}
inline void CEREAL_SAVE_FUNCTION_NAME(Encoder& encoder, const Buffer& buffer) {
  encoder.write_buffer(buffer);
}
inline void CEREAL_LOAD_FUNCTION_NAME(Decoder& decoder, Buffer& buffer) {
  buffer = decoder.read_buffer();
}

/// A type that may travel between ranks: default-constructible, and known to the codec.
template <class T>
concept Encodable = std::default_initializable<T> && std::movable<T> &&
    cereal::traits::is_output_serializable<T, Encoder>::value &&
    cereal::traits::is_input_serializable<T, Decoder>::value;

}  // namespace sluice

CEREAL_SETUP_ARCHIVE_TRAITS(sluice::Decoder, sluice::Encoder)
