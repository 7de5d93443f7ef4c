#pragma once

#include <string>

namespace sluice {

/// Says what people should know and the run bears, such as that a worker does without a GPU: once
/// on the terminal, however many workers say the same, and in the log of each. Of more than a
/// hundred texts of one worker the others are in its log alone. To be called by a stage, on the
/// thread that the engine calls it on.
void remark(const std::string& text);

}  // namespace sluice
