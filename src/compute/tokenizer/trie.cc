#include "compute/tokenizer/trie.h"

namespace lathe::tokenizer {

void Trie::Insert(std::string_view text, int32_t value) {
    Node node = kRoot;
    for (char byte : text) {
        Node next = Step(node, byte);
        if (next == kNone) {
            next = static_cast<Node>(values_.size());
            values_.push_back(-1);
            auto b = static_cast<unsigned char>(byte);
            if (node == kRoot)
                first_[b] = next;
            else
                edges_.emplace(uint64_t{node} << 8 | b, next);
        }
        node = next;
    }
    values_[node] = value;
}

}  // namespace lathe::tokenizer
