#include <cstdint>
#include <cstdlib>

#include "compute/tokenizer/tokenizer.h"

// Whatever file is accepted makes a tokenizer that can be used.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace lathe::tokenizer;
    std::string_view file(reinterpret_cast<const char*>(data), size);
    auto tokenizer = Tokenizer::FromHuggingFace(file, "");
    if (!tokenizer) return 0;
    for (std::string_view text : {"Hello  the World\n\n1 <s>\u0301 我\xff", " aa<0x41>\t"}) {
        std::vector<TokenId> ids = tokenizer->Encode(text);
        for (TokenId id : ids)
            if (id < 0 || static_cast<size_t>(id) >= tokenizer->vocab_size()) std::abort();
        StreamDecoder decoder(*tokenizer, /*keep_special=*/true);
        std::string joined;
        for (TokenId id : ids) joined += decoder.Push(id);
        if (joined + decoder.Flush() != tokenizer->Decode(ids, /*keep_special=*/true)) std::abort();
    }
    return 0;
}
