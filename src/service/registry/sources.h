#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "service/registry/catalog.h"
#include "service/registry/download.h"

namespace lathe::registry {

// "huggingface owner/name at https://...": for messages.
std::string DescribeSource(const Source& source, const Endpoints& endpoints);

// The files of a Hugging Face or ModelScope repository (top level of source.folder),
// with sizes, and checksums where the server tells them. Names that could not be file
// names here are left out.
Result<std::vector<CatalogFile>> ListRepository(const Source& source, const Endpoints& endpoints,
                                                const TransferContext& context);

// Those that make up a model: weights in safetensors with configuration and tokenizer,
// else the only GGUF file (all its parts if split). Error (kInvalidArgument) when there
// are several to choose from, which names them, or none.
Result<std::vector<CatalogFile>> ChooseModelFiles(std::vector<CatalogFile> files,
                                                  std::string_view repo);

// Brings one file of the source to `target`.
Result<FileFacts> FetchFrom(const Source& source, const CatalogFile& file,
                            const std::filesystem::path& target, const Endpoints& endpoints,
                            const TransferContext& context);

// Answers of the three servers, for tests and fuzzing.
Result<std::vector<CatalogFile>> ParseHuggingFaceTree(std::string_view text);
Result<std::vector<CatalogFile>> ParseModelScopeFiles(std::string_view text);
struct WheelLink {
    std::string url;  // may be relative to the index page
    uint64_t bytes = 0;
    std::string sha256;
};
Result<WheelLink> ParsePypiIndex(std::string_view text, const PypiPiece& piece);

}  // namespace lathe::registry
