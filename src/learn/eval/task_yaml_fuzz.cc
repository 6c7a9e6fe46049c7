// Any bytes as a task file: an error or a checked task, whatever they are.
#include <cstddef>
#include <cstdint>

#include "learn/eval/task_config.h"
#include "learn/eval/task_yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    auto config = lathe::eval::ParseTaskYaml(text);
    if (config && config->is_object()) (void)lathe::eval::TaskConfig::FromJson(*config, "folder");
    return 0;
}
