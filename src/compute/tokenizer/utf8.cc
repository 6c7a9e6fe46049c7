#include "compute/tokenizer/utf8.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <array>
#include <utility>

namespace lathe::tokenizer {

CodePoint CodePointAt(std::string_view text, size_t at) {
    auto lead = static_cast<unsigned char>(text[at]);
    if (lead < 0x80) return {lead, 1};
    size_t next = at;
    UChar32 value = 0;
    U8_NEXT_UNSAFE(text.data(), next, value);
    return {static_cast<char32_t>(value), static_cast<uint32_t>(next - at)};
}

size_t PreviousStart(std::string_view text, size_t at) {
    --at;
    while ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
    return at;
}

void AppendUtf8(char32_t value, std::string& out) {
    char buffer[U8_MAX_LENGTH];
    size_t length = 0;
    U8_APPEND_UNSAFE(buffer, length, static_cast<UChar32>(value));
    out.append(buffer, length);
}

namespace {

// Advances `at` over one character or one maximal ill-formed part; false for the latter.
bool Advance(std::string_view bytes, size_t& at) {
    UChar32 value = 0;
    U8_NEXT(bytes.data(), at, bytes.size(), value);
    return value >= 0;
}

}  // namespace

bool IsValidUtf8(std::string_view bytes) {
    for (size_t at = 0; at < bytes.size();)
        if (!Advance(bytes, at)) return false;
    return true;
}

void AppendRepaired(std::string_view bytes, std::string& out) {
    size_t good_from = 0;
    for (size_t at = 0; at < bytes.size();) {
        size_t start = at;
        if (Advance(bytes, at)) continue;
        out.append(bytes.substr(good_from, start - good_from));
        out.append("\xEF\xBF\xBD");
        good_from = at;
    }
    out.append(bytes.substr(good_from));
}

size_t WithoutIncompleteEnd(std::string_view bytes) {
    auto length = static_cast<ptrdiff_t>(bytes.size());  // signed: the macro subtracts
    U8_TRUNCATE_IF_INCOMPLETE(bytes.data(), 0, length);
    return static_cast<size_t>(length);
}

namespace {

ClassMask LookUpClass(char32_t value) {
    auto c = static_cast<UChar32>(value);
    ClassMask category = ClassMask{1} << u_charType(c);
    bool word = (category & CategoryMask("M")) != 0 || u_charType(c) == U_DECIMAL_DIGIT_NUMBER ||
                u_charType(c) == U_CONNECTOR_PUNCTUATION ||
                u_hasBinaryProperty(c, UCHAR_ALPHABETIC) ||
                u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL);
    return category | (u_isUWhiteSpace(c) ? kWhiteSpace : kNotWhiteSpace) |
           (word ? kWord : kNotWord);
}

}  // namespace

ClassMask ClassOf(char32_t value) {
    static const auto kAscii = [] {
        std::array<ClassMask, 128> table{};
        for (char32_t c = 0; c < table.size(); ++c) table[c] = LookUpClass(c);
        return table;
    }();
    return value < kAscii.size() ? kAscii[value] : LookUpClass(value);
}

ClassMask CategoryMask(std::string_view name) {
    static constexpr std::pair<std::string_view, ClassMask> kNames[] = {
        {"L", U_GC_L_MASK},   {"M", U_GC_M_MASK},   {"N", U_GC_N_MASK},   {"P", U_GC_P_MASK},
        {"S", U_GC_S_MASK},   {"Z", U_GC_Z_MASK},   {"C", U_GC_C_MASK},   {"Lu", U_GC_LU_MASK},
        {"Ll", U_GC_LL_MASK}, {"Lt", U_GC_LT_MASK}, {"Lm", U_GC_LM_MASK}, {"Lo", U_GC_LO_MASK},
        {"Mn", U_GC_MN_MASK}, {"Mc", U_GC_MC_MASK}, {"Me", U_GC_ME_MASK}, {"Nd", U_GC_ND_MASK},
        {"Nl", U_GC_NL_MASK}, {"No", U_GC_NO_MASK}, {"Pc", U_GC_PC_MASK}, {"Pd", U_GC_PD_MASK},
        {"Ps", U_GC_PS_MASK}, {"Pe", U_GC_PE_MASK}, {"Pi", U_GC_PI_MASK}, {"Pf", U_GC_PF_MASK},
        {"Po", U_GC_PO_MASK}, {"Sm", U_GC_SM_MASK}, {"Sc", U_GC_SC_MASK}, {"Sk", U_GC_SK_MASK},
        {"So", U_GC_SO_MASK}, {"Zs", U_GC_ZS_MASK}, {"Zl", U_GC_ZL_MASK}, {"Zp", U_GC_ZP_MASK},
        {"Cc", U_GC_CC_MASK}, {"Cf", U_GC_CF_MASK}, {"Cn", U_GC_CN_MASK}, {"Co", U_GC_CO_MASK},
        {"Cs", U_GC_CS_MASK}};
    for (const auto& [known, mask] : kNames)
        if (known == name) return mask;
    return 0;
}

}  // namespace lathe::tokenizer
