#pragma once

#include <sluice/sluice.hpp>

// The types that every case uses.
struct Page {
  int number = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number);
  }
};

struct Text {
  std::string words;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(words);
  }
};

struct Read : sluice::Stage<Page, Text> {
  void process(sluice::Batch<Page>& pages, sluice::Emitter<Text>& texts) override {
    for (std::size_t i = 0; i < pages.size(); ++i) texts.emit(i, {std::to_string(pages[i].number)});
  }
};

struct Count : sluice::MapStage<Text, std::size_t> {
  std::size_t map(Text text) override { return text.words.size(); }
};
