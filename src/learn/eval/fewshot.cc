#include "learn/eval/fewshot.h"

#include <algorithm>

namespace lathe::eval {

std::vector<const Json*> FewshotSource::AllBut(const Json* but) const {
    std::vector<const Json*> all;
    for (const Json& document : documents_)
        if (!but || document != *but) all.push_back(&document);
    return all;
}

std::vector<const Json*> FewshotSource::Sample(const std::vector<const Json*>& pool, size_t count) {
    std::vector<const Json*> drawn;
    for (size_t at : random_.Sample(pool.size(), count)) drawn.push_back(pool[at]);
    return drawn;
}

Result<std::vector<const Json*>> FewshotSource::Draw(size_t count, const Json* but) {
    if (count == 0) return std::vector<const Json*>();
    std::vector<const Json*> pool = AllBut(options_.sampler == "first_n" ? but : nullptr);
    size_t wanted = count + (but && options_.sampler != "first_n" ? 1 : 0);
    if (pool.size() < wanted)
        return InvalidParam("num_fewshot",
                            "{} examples are wanted and the few-shot split has {} documents{}",
                            count, documents_.size(), but ? ", the question's own among them" : "");
    if (options_.sampler == "first_n") {
        pool.resize(count);
        return pool;
    }
    std::vector<const Json*> drawn = Sample(pool, wanted);
    if (!but) return drawn;
    std::erase_if(drawn, [&](const Json* document) { return *document == *but; });
    if (drawn.size() < count) {  // copies of the question were drawn
        pool = AllBut(but);
        if (pool.size() < count)
            return InvalidParam("num_fewshot",
                                "{} examples are wanted and there are {} that are "
                                "not the question itself",
                                count, pool.size());
        drawn = Sample(pool, count);
    }
    drawn.resize(count);
    return drawn;
}

}  // namespace lathe::eval
