#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace sluice {

/// Where the processes of a node find another's arena. Plain bytes, to be sent as they are.
struct ArenaAddress {
  std::int32_t pid = 0;
  std::int32_t fd = -1;     ///< the arena's file, among the descriptors of that process
  std::uint64_t bytes = 0;  ///< of address space; most of it has no memory behind it
  std::uint64_t token = 0;  ///< tells this arena from any other file that `fd` might name
};

/// Blocks are made of granules, and named by the first one's index; 0 names none.
using BlockIndex = std::uint32_t;
constexpr std::size_t granule = 16UL * 1024;

/// The number of an arena that has none: its blocks cannot be lent.
constexpr std::int64_t no_number = -1;

/// Free memory that may wait for its next use, in an owner's hands and again on its return stack.
constexpr std::size_t most_kept = 256UL * 1024 * 1024;

/// What all processes know of a block. Only `references` may be touched by several at once; the
/// rest belongs to who makes it zero, and then to the arena's owner. Blocks have four granules or
/// more, so that no two headers share a cache line.
struct BlockHeader {
  std::atomic<std::uint32_t> references;  ///< one a process' lease, one a handle on its way
  std::uint32_t granules;
  BlockIndex next;       ///< in a list of free blocks
  std::uint32_t hollow;  ///< not zero: the memory behind it went back to the kernel
};
static_assert(sizeof(BlockHeader) == 16 && std::atomic<std::uint32_t>::is_always_lock_free);

/// A file in memory, without a name, that its owner cuts into blocks and that other processes of
/// the node map as well. It vanishes with the last process that maps it, however that one ends.
/// Nothing in it is ever locked, so a process can die at any point and hold up no other.
class Arena {
 public:
  /// The calling process' own; null if the system refuses, or limits its address space.
  static std::unique_ptr<Arena> create();

  /// Another process'; null if it cannot be reached.
  static std::unique_ptr<Arena> attach(const ArenaAddress& address);

  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  bool is_own() const noexcept { return own_; }
  const ArenaAddress& address() const noexcept { return address_; }
  BlockIndex first_block() const noexcept;
  BlockIndex granules() const noexcept { return static_cast<BlockIndex>(address_.bytes / granule); }

  BlockHeader& header(BlockIndex block) const noexcept;
  std::byte* payload(BlockIndex block) const noexcept { return base_ + block * granule; }
  std::size_t bytes(BlockIndex block) const noexcept { return header(block).granules * granule; }

  /// Put memory behind a header that was never used, and behind a block, so that touching them
  /// cannot fail; false if there is none.
  bool fill_header(BlockIndex block) const noexcept;
  bool fill(BlockIndex block) const noexcept;
  /// Gives the memory behind a block back to the kernel.
  void hollow_out(BlockIndex block) const noexcept;
  bool is_hollow(BlockIndex block) const noexcept { return header(block).hollow != 0; }

  /// Puts a block that nobody refers to on the owner's return stack. Any process.
  void send_home(BlockIndex block) const noexcept;
  /// Empties the return stack: a list by `next`. The owner alone.
  BlockIndex take_returned() const noexcept;

  /// What this process' peers call the arena.
  std::int64_t number() const noexcept { return number_.load(std::memory_order_relaxed); }
  void set_number(std::int64_t number) noexcept { number_ = number; }

  /// True in a process that was forked from one that used the arena: it holds none of the
  /// references that its memory speaks of, and must leave the blocks alone.
  bool inherited() const noexcept { return inherited_; }
  void set_inherited() noexcept { inherited_ = true; }

 private:
  struct Head;

  Arena(std::byte* base, const ArenaAddress& address, bool own) noexcept
      : base_(base), address_(address), own_(own) {}
  static std::unique_ptr<Arena> map(int fd, const ArenaAddress& address, bool own);
  Head& head() const noexcept;

  std::byte* base_;
  ArenaAddress address_;
  bool own_;
  bool inherited_ = false;
  std::atomic<std::int64_t> number_ = no_number;
};

}  // namespace sluice
