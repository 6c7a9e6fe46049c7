#include "compute/model/rope_table.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lathe::model {
namespace {

constexpr float kTwoPi = 2 * std::numbers::pi_v<float>;

// Llama 3.1: low frequencies are slowed by `factor`, high ones kept, between them a ramp.
float Llama3Frequency(float frequency, const RopeConfig& config) {
    float wavelength = kTwoPi / frequency;
    float low_wavelength = config.original_context / config.low_frequency_factor;
    float high_wavelength = config.original_context / config.high_frequency_factor;
    if (wavelength < high_wavelength) return frequency;
    if (wavelength > low_wavelength) return frequency / config.factor;
    float smooth = (config.original_context / wavelength - config.low_frequency_factor) /
                   (config.high_frequency_factor - config.low_frequency_factor);
    return (1 - smooth) * frequency / config.factor + smooth * frequency;
}

// YaRN (Peng et al. 2023, section 3.2): the dimension whose wavelength fits
// `rotations` times into the original context.
float YarnDimension(float rotations, const RopeConfig& config) {
    return static_cast<float>(config.dims) *
           std::log(config.original_context / (rotations * kTwoPi)) / (2 * std::log(config.base));
}

float YarnFrequency(float frequency, float pair, const RopeConfig& config) {
    float low = std::max(0.0f, std::floor(YarnDimension(config.beta_fast, config)));
    float high = std::min(static_cast<float>(config.dims) - 1,
                          std::ceil(YarnDimension(config.beta_slow, config)));
    float ramp = std::clamp((pair - low) / std::max(0.001f, high - low), 0.0f, 1.0f);
    return frequency / config.factor * ramp + frequency * (1 - ramp);
}

}  // namespace

RopeTable::RopeTable(const RopeConfig& config, std::span<const float> factors)
    : frequencies_(config.dims / 2),
      amplitude_(config.scaling == RopeScaling::kYarn ? config.attention_factor : 1) {
    for (size_t i = 0; i < frequencies_.size(); ++i) {
        float exponent = static_cast<float>(2 * i) / static_cast<float>(config.dims);
        float frequency = 1.0f / std::pow(config.base, exponent);
        switch (config.scaling) {
            case RopeScaling::kNone:
                break;
            case RopeScaling::kLinear:
                frequency /= config.factor;
                break;
            case RopeScaling::kLlama3:
                frequency = Llama3Frequency(frequency, config);
                break;
            case RopeScaling::kYarn:
                frequency = YarnFrequency(frequency, static_cast<float>(i), config);
                break;
        }
        frequencies_[i] = factors.empty() ? frequency : frequency / factors[i];
    }
}

void RopeTable::Extend(uint32_t position) {
    constexpr uint32_t kBlock = 1024;
    size_t width = 2 * frequencies_.size();
    if (width == 0) return;
    size_t have = rows_.size() / width;
    if (position < have) return;
    size_t want = (position / kBlock + 1) * size_t{kBlock};
    rows_.resize(want * width);
    for (size_t row = have; row < want; ++row) {
        float* out = rows_.data() + row * width;
        for (float frequency : frequencies_) {
            float angle = static_cast<float>(row) * frequency;
            *out++ = std::cos(angle) * amplitude_;
            *out++ = std::sin(angle) * amplitude_;
        }
    }
}

}  // namespace lathe::model
