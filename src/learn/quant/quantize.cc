#include "learn/quant/quantize.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "compute/modelfile/printable.h"
#include "core/base/check.h"

namespace lathe::quant {
namespace {

using tensor::DType;

// Rows of one tensor.
struct Unit {
    size_t tensor = 0;
    uint64_t first = 0;
    uint64_t rows = 0;
};

std::vector<Unit> CutIntoUnits(const Source& source) {
    std::vector<Unit> units;
    for (size_t i = 0; i < source.tensors().size(); ++i) {
        const SourceTensor& tensor = source.tensors()[i];
        uint64_t rows = tensor.rows();
        uint64_t step = std::max<uint64_t>(1, kUnitElements / std::max<uint64_t>(1, tensor.cols()));
        for (uint64_t first = 0; first < rows; first += step)
            units.push_back({i, first, std::min(step, rows - first)});
    }
    return units;
}

// What the workers share. Thread-safe.
class Job {
public:
    Job(const Source& source, const Plan& plan, modelfile::GgufWriter& writer,
        const QuantizeOptions& options)
        : source_(source),
          plan_(plan),
          writer_(writer),
          options_(options),
          units_(CutIntoUnits(source)) {
        for (const SourceTensor& tensor : source.tensors())
            elements_ += tensor.rows() * tensor.cols();
    }

    void Work(int worker) {
        std::vector<float> values;
        std::vector<std::byte> encoded;
        for (size_t i; !failed_ && (i = next_++) < units_.size();) {
            if (options_.stop.stop_requested())
                return Fail({Code::kCancelled, "stopped; nothing was written", ""});
            Status status = Convert(units_[i], values, encoded);
            if (!status) return Fail(std::move(status).error());
            done_ += units_[i].rows * source_.tensors()[units_[i].tensor].cols();
            if (worker == 0 && options_.progress) options_.progress(done_, elements_);
        }
    }

    Status Result() {
        if (failed_) return std::unexpected(std::move(error_));
        if (options_.progress) options_.progress(elements_, elements_);
        return {};
    }

private:
    Status Convert(const Unit& unit, std::vector<float>& values, std::vector<std::byte>& encoded) {
        const SourceTensor& tensor = source_.tensors()[unit.tensor];
        DType type = plan_.types[unit.tensor];
        size_t row_bytes = tensor::RowBytes(type, tensor.cols());
        uint64_t offset = unit.first * row_bytes;
        if (type == tensor.type && tensor.keeps_bytes()) {
            LATHE_RETURN_IF_ERROR(writer_.Write(
                unit.tensor, offset, source_.RowBytes(tensor, unit.first, unit.rows, encoded)));
        } else {
            values.resize(unit.rows * tensor.cols());
            encoded.resize(unit.rows * row_bytes);
            source_.ReadRows(tensor, unit.first, values);
            Status status = EncodeRows(*options_.table, type, values, tensor.cols(),
                                       ImportanceOf(tensor), encoded);
            if (!status)
                return std::unexpected(WithContext(
                    status.error(), fmt::format("tensor '{}'", modelfile::Printable(tensor.name))));
            LATHE_RETURN_IF_ERROR(writer_.Write(unit.tensor, offset, encoded));
        }
        source_.DropRows(tensor, unit.first, unit.rows);
        return {};
    }

    std::span<const float> ImportanceOf(const SourceTensor& tensor) const {
        if (options_.importance == nullptr) return {};
        auto found = options_.importance->find(tensor.name);
        if (found == options_.importance->end() || found->second.size() != tensor.cols()) return {};
        return found->second;
    }

    void Fail(Error error) {
        std::scoped_lock lock(mutex_);
        if (failed_) return;
        error_ = std::move(error);
        failed_ = true;
    }

    const Source& source_;
    const Plan& plan_;
    modelfile::GgufWriter& writer_;
    const QuantizeOptions& options_;
    const std::vector<Unit> units_;
    uint64_t elements_ = 0;
    std::atomic<size_t> next_ = 0;
    std::atomic<uint64_t> done_ = 0;
    std::atomic<bool> failed_ = false;
    std::mutex mutex_;
    Error error_;  // guarded by mutex_ until the workers have ended
};

}  // namespace

Status WriteQuantized(const Source& source, const Plan& plan, modelfile::GgufMetadata metadata,
                      const std::filesystem::path& path, platform::Team& team,
                      const QuantizeOptions& options) {
    LATHE_CHECK(plan.types.size() == source.tensors().size() && options.table != nullptr);
    metadata.SetU32("general.quantization_version", 2);
    metadata.SetU32("general.file_type", plan.file_type);
    std::vector<modelfile::GgufTensor> tensors;
    for (size_t i = 0; i < plan.types.size(); ++i) {
        const SourceTensor& tensor = source.tensors()[i];
        tensors.push_back({tensor.name, static_cast<uint32_t>(plan.types[i]), tensor.shape});
    }
    LATHE_TRY(auto writer, modelfile::GgufWriter::Create(path, std::move(metadata), tensors));
    Job job(source, plan, writer, options);
    team.Run([&](int worker) { job.Work(worker); });
    LATHE_RETURN_IF_ERROR(job.Result());
    return writer.Finish();
}

}  // namespace lathe::quant
