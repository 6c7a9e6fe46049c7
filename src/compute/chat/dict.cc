#include "compute/chat/dict.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>

#include "compute/chat/operators.h"

namespace lathe::chat {
namespace {

constexpr size_t kSmall = 8;  // entries up to here are searched one by one

uint64_t Mix(uint64_t hash) {
    hash ^= hash >> 32;
    hash *= 0x9e3779b97f4a7c15ull;
    return hash ^ (hash >> 29);
}

uint64_t HashText(std::string_view text) {
    return std::hash<std::string_view>()(text);
}

uint64_t HashInt(Int value) {
    auto bits = static_cast<unsigned __int128>(value);
    return Mix(static_cast<uint64_t>(bits) ^ Mix(static_cast<uint64_t>(bits >> 64)));
}

// Equal numbers hash alike, whatever their type.
uint64_t HashFloat(double value) {
    if (std::floor(value) == value && std::fabs(value) < 0x1p100)
        return HashInt(static_cast<Int>(value));
    return Mix(std::bit_cast<uint64_t>(value));
}

bool IsText(const Value& value, std::string_view text) {
    return value.IsString() && value.text() == text;
}

}  // namespace

uint64_t Hash(Budget& budget, const Value& value) {
    switch (value.kind()) {
        case Kind::kMissing:
        case Kind::kUndefined:
            return 1;
        case Kind::kNone:
            return 2;
        case Kind::kBool:
        case Kind::kInt:
            return HashInt(value.integer());
        case Kind::kFloat:
            return HashFloat(value.real());
        case Kind::kString:
            budget.Work(value.text().size());
            return HashText(value.text());
        case Kind::kTuple: {
            uint64_t hash = 3;
            for (const Value& item : value.items()) hash = Mix(hash + Hash(budget, item));
            budget.Step(1 + value.items().size());
            return hash;
        }
        case Kind::kRange:
            return Mix(HashInt(value.range().start) + HashInt(value.range().length()));
        case Kind::kList:
        case Kind::kDict:
        case Kind::kView:
            Fail("unhashable type: '{}'", TypeName(value));
        case Kind::kIterator:
        case Kind::kNamespace:
        case Kind::kHost:
            return Mix(reinterpret_cast<uintptr_t>(value.object()));
    }
    return 0;
}

bool Hashable(Budget& budget, const Value& value) {
    budget.Step();
    if (value.Is(Kind::kTuple))
        return std::ranges::all_of(value.items(),
                                   [&](const Value& item) { return Hashable(budget, item); });
    return !value.Is(Kind::kList) && !value.Is(Kind::kDict) && !value.Is(Kind::kView);
}

// The slot that holds the key, or the free one where it belongs.
template <typename Same>
size_t Dict::Slot(uint64_t hash, Budget* budget, const Same& same) const {
    size_t mask = slots_.size() - 1;
    for (size_t slot = hash & mask;; slot = (slot + 1) & mask) {
        if (slots_[slot] == 0) return slot;
        const Entry& entry = entries_[slots_[slot] - 1];
        if (entry.hash == hash && same(entry.key)) return slot;
        if (budget) budget->Step();  // keys made to collide are paid for
    }
}

const Value* Dict::Find(Budget& budget, const Value& key) const {
    uint64_t hash = Hash(budget, key);
    auto same = [&](const Value& other) { return Equals(budget, other, key); };
    if (slots_.empty()) {
        for (const Entry& entry : entries_)
            if (entry.hash == hash && same(entry.key)) return &entry.value;
        return nullptr;
    }
    uint32_t entry = slots_[Slot(hash, &budget, same)];
    return entry == 0 ? nullptr : &entries_[entry - 1].value;
}

const Value* Dict::Find(std::string_view key) const {
    uint64_t hash = HashText(key);
    auto same = [&](const Value& other) { return IsText(other, key); };
    if (slots_.empty()) {
        for (const Entry& entry : entries_)
            if (entry.hash == hash && same(entry.key)) return &entry.value;
        return nullptr;
    }
    uint32_t entry = slots_[Slot(hash, nullptr, same)];
    return entry == 0 ? nullptr : &entries_[entry - 1].value;
}

void Dict::Set(Budget& budget, Value key, Value value) {
    if (const Value* present = Find(budget, key)) {
        *const_cast<Value*>(present) = std::move(value);
        return;
    }
    if (entries_.size() == entries_.capacity())
        budget.RequireRoom(entries_.size() * 2 + 4, sizeof(Entry) + 2 * sizeof(uint32_t));
    uint64_t hash = Hash(budget, key);
    entries_.push_back({std::move(key), std::move(value), hash});
    if (entries_.size() <= kSmall) return;
    if (entries_.size() * 2 > slots_.size()) {
        Rehash(budget, std::bit_ceil(entries_.size() * 4));
    } else {
        size_t slot = Slot(hash, &budget, [](const Value&) { return false; });
        slots_[slot] = static_cast<uint32_t>(entries_.size());
    }
}

void Dict::Rehash(Budget& budget, size_t slots) {
    budget.Step(slots / 16);
    slots_.assign(slots, 0);
    for (size_t i = 0; i < entries_.size(); ++i) {
        size_t slot = Slot(entries_[i].hash, &budget, [](const Value&) { return false; });
        slots_[slot] = static_cast<uint32_t>(i + 1);
    }
}

size_t Dict::memory_bytes() const {
    return entries_.capacity() * sizeof(Entry) + slots_.capacity() * sizeof(uint32_t);
}

DictObject::DictObject(Budget* owner, Dict content)
    : Object(owner, sizeof(DictObject) + content.memory_bytes()), dict(std::move(content)) {
    uint32_t below = 0;
    for (const Dict::Entry& entry : dict.entries())
        below = std::max({below, entry.key.height(), entry.value.height()});
    height = HeightAbove(below);
}

Value ViewObject::Item(Budget& budget, size_t index) const {
    const Dict::Entry& entry = source->dict.entries()[index];
    if (part == Part::kKeys) return entry.key;
    if (part == Part::kValues) return entry.value;
    return MakeTuple(budget, {entry.key, entry.value});
}

void NamespaceObject::Set(Value name, Value value) {
    attributes.Set(*budget, std::move(name), std::move(value));
    Charge(sizeof(NamespaceObject) + attributes.memory_bytes());
}

Value MakeDict(Budget& budget, Dict dict) {
    return Value(Kind::kDict, new DictObject(&budget, std::move(dict)));
}

Value MakeView(Budget& budget, const Value& dict, ViewObject::Part part) {
    Ref<DictObject> source(static_cast<DictObject*>(dict.object()));
    return Value(Kind::kView, new ViewObject(&budget, std::move(source), part));
}

}  // namespace lathe::chat
