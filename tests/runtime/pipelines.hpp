#pragma once

#include <sluice/sluice.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

/// Small stages for tests of whole runs.
namespace sluice::testing {

/// A record that says where it has been.
struct Item {
  int number = 0;
  std::string trail;

  bool operator==(const Item&) const = default;
  auto operator<=>(const Item&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, trail);
  }
};

inline std::vector<Item> items(int count) {
  std::vector<Item> result;
  for (int i = 0; i < count; ++i) result.push_back({i, ""});
  return result;
}

/// Emits `copies(number)` records for each: 0 drops it, several split it.
class Fan : public Stage<Item, Item> {
 public:
  Fan(std::string name, int modulus) : name_(std::move(name)), modulus_(modulus) {}

  void process(Batch<Item>& batch, Emitter<Item>& out) override {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const int copies = batch[i].number % modulus_;
      for (int c = 0; c < copies; ++c) {
        out.emit(i, {batch[i].number + c, batch[i].trail + name_ + std::to_string(c)});
      }
    }
  }

 private:
  std::string name_;
  int modulus_;
};

class Stamp : public MapStage<Item, Item> {
 public:
  explicit Stamp(std::string name) : name_(std::move(name)) {}
  Item map(Item item) override {
    item.trail += name_;
    return item;
  }

 private:
  std::string name_;
};

}  // namespace sluice::testing
