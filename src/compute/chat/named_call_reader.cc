#include "compute/chat/call_reader.h"

namespace lathe::chat {
namespace {

constexpr std::string_view kFence = "```";
constexpr std::string_view kFenceBegin = "```json";

class NamedReader : public CallReader {
public:
    NamedReader(const ToolFormat& format, OfferedTools tools)
        : format_(format),
          tools_(std::move(tools)),
          arguments_(format.call_end.empty() ? format.section_end : format.call_end) {}

    Found ReadHead(std::string_view text, bool known_only, Head& head) override {
        head = {};
        arguments_.Begin();
        if (auto found = ReadNamedHead(format_, text, head); found != Found::kYes) return found;
        if (known_only && !tools_.Has(head.name)) return Found::kNo;
        size_t at = head.bytes + SpaceBytes(text.substr(head.bytes));
        auto fenced = Begins(text.substr(at), kFenceBegin);
        if (fenced == Found::kMore) return Found::kMore;
        if (fenced == Found::kYes) {
            at += kFenceBegin.size();
            at += SpaceBytes(text.substr(at));
        }
        head.bytes = at;
        return BeginsObject(text.substr(at));
    }
    Progress ReadArguments(std::string_view text, std::string& out) override {
        return arguments_.Read(text, out);
    }
    void EndArguments(std::string_view text, std::string& out) override { out += text; }

    Progress ReadTail(std::string_view text) override {
        size_t at = SpaceBytes(text);
        auto fenced = Begins(text.substr(at), kFence);
        if (fenced == Found::kMore) return {0, false};
        if (fenced == Found::kYes) {
            at += kFence.size();
            at += SpaceBytes(text.substr(at));
        }
        if (format_.call_end.empty()) return {at, true};
        switch (Begins(text.substr(at), format_.call_end)) {
            case Found::kYes:
                return {at + format_.call_end.size(), true};
            case Found::kMore:
                return {0, false};
            case Found::kNo:
                break;
        }
        return {0, true};
    }

private:
    const ToolFormat& format_;
    OfferedTools tools_;
    ObjectArguments arguments_;
};

}  // namespace

std::unique_ptr<CallReader> NamedCallReader(const ToolFormat& format, OfferedTools tools) {
    return std::make_unique<NamedReader>(format, std::move(tools));
}

}  // namespace lathe::chat
