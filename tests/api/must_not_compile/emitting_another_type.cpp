// error: cannot convert 'Page' to 'Text'
#include "../stages.hpp"

struct Wrong : sluice::Stage<Page, Text> {
  void process(sluice::Batch<Page>& pages, sluice::Emitter<Text>& texts) override {
    texts.emit(0, pages[0]);
  }
};
