#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "compute/chat/value.h"

namespace lathe::chat {

// A Python dict: keys in the order they came, 1 == 1.0 == True one key. Only grows.
class Dict {
public:
    struct Entry {
        Value key;
        Value value;
        uint64_t hash;
    };

    // Null if absent. Fails on a key that cannot be hashed.
    const Value* Find(Budget& budget, const Value& key) const;
    const Value* Find(std::string_view key) const;
    void Set(Budget& budget, Value key, Value value);

    const std::vector<Entry>& entries() const { return entries_; }
    size_t size() const { return entries_.size(); }
    size_t memory_bytes() const;

private:
    template <typename Same>
    size_t Slot(uint64_t hash, Budget* budget, const Same& same) const;
    void Rehash(Budget& budget, size_t slots);

    std::vector<Entry> entries_;
    std::vector<uint32_t> slots_;  // 0: free; else entry + 1. Size: 0 or a power of two.
};

struct DictObject : Object {
    DictObject(Budget* owner, Dict content);
    Dict dict;
};

// Prints and behaves as dict_keys, dict_values or dict_items.
struct ViewObject : Object {
    enum class Part : uint8_t { kKeys, kValues, kItems };
    ViewObject(Budget* owner, Ref<DictObject> dict, Part which)
        : Object(owner, sizeof(ViewObject)), source(std::move(dict)), part(which) {
        height = HeightAbove(source->height);
    }
    const Ref<DictObject> source;
    const Part part;
    Value Item(Budget& budget, size_t index) const;
};

struct NamespaceObject : Object {
    explicit NamespaceObject(Budget* owner) : Object(owner, sizeof(NamespaceObject)) {}
    Dict attributes;
    void Set(Value name, Value value);
};

Value MakeDict(Budget& budget, Dict dict);
Value MakeView(Budget& budget, const Value& dict, ViewObject::Part part);

// Fails with "unhashable type" for lists, dicts and what holds them.
uint64_t Hash(Budget& budget, const Value& value);
bool Hashable(Budget& budget, const Value& value);

}  // namespace lathe::chat
