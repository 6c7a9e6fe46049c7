#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "learn/quant/quantize.h"

namespace lathe::quant {

// How strongly each input column of each matrix is used on a calibration text: the mean of
// the squared activations. What the field calls an imatrix.
//
// Files: the form of 2024 (.dat) and the one of GGUF (.gguf), as llama.cpp writes both.
// Const-safe.
struct ImportanceMatrix {
    struct Entry {
        std::vector<float> mean_square;  // [cols], or of several matrices one after the other
        uint32_t rows = 0;               // of activations that were seen
    };
    std::map<std::string, Entry, std::less<>> entries;  // by the matrix's name
    std::vector<std::string> texts;                     // names of the calibration texts
    uint32_t chunks = 0;                                // windows that were run
    uint32_t chunk_tokens = 0;

    // Errors name the file and what is wrong in it.
    static Result<ImportanceMatrix> Read(const std::filesystem::path& path);
    // Bytes of a .dat file. `name` is for messages.
    static Result<ImportanceMatrix> ParseDat(std::span<const std::byte> bytes,
                                             const std::string& name);

    // In GGUF if the name ends so, else as .dat; whole or not at all.
    Status Write(const std::filesystem::path& path) const;

    // For the encoders: a column that was never used counts a little all the same. Errors:
    // an entry whose length is not that of the source's matrix, or none that fits.
    Result<Importance> ForSource(const Source& source) const;
};

}  // namespace lathe::quant
