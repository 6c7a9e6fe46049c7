#pragma once

#include "compute/chat/ast.h"

namespace lathe::chat {

// Which of the variables `caller`, `kwargs` and `varargs` the body of a macro reads
// before anything in it assigns them: those the call hands over.
struct SpecialNames {
    bool caller = false;
    bool named = false;       // kwargs
    bool positional = false;  // varargs
};
SpecialNames FindSpecialNames(const Body& body);

}  // namespace lathe::chat
