#pragma once

#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "compute/modelfile/model_package.h"
#include "compute/tokenizer/tokenizer.h"
#include "core/base/result.h"
#include "learn/quant/importance_matrix.h"

namespace lathe::quant {

struct CalibrateOptions {
    std::string text_name{};  // kept in the file
    int threads = 0;          // 0: all usable cores
    std::string kernels{};    // "": the fastest here
    size_t window = 512;      // tokens run together; what is left at the end is run too
    size_t tokens_max = 0;    // of the text; 0: all
    std::stop_token stop{};
    std::function<void(uint64_t done, uint64_t total)> progress{};  // tokens
};

// Runs `text` through the model in float32 and measures what goes into every matrix of
// its layers. Errors: kInvalidArgument for a text without tokens; those of loading.
Result<ImportanceMatrix> Calibrate(const modelfile::ModelPackage& package,
                                   const tokenizer::Tokenizer& tokenizer, std::string_view text,
                                   const CalibrateOptions& options);

// Windows of at most `window` tokens, each with the sequence's begin before it where the
// model wants one.
std::vector<std::vector<tokenizer::TokenId>> CutText(const tokenizer::Tokenizer& tokenizer,
                                                     std::string_view text, size_t window,
                                                     size_t tokens_max);

}  // namespace lathe::quant
