#pragma once

#include "compute/chat/ast.h"
#include "compute/chat/budget.h"

namespace lathe::chat {

// Gives every variable of the template its place, by jinja2's rules:
//   - for loops, blocks that capture, `with` and macros have scopes of their own;
//     `if` has none. What is set in a scope ends with it.
//   - a name that a scope sets starts there with the outer scope's value; a name that
//     is only read comes from the nearest scope that knows it, else from the input.
//   - which names a scope knows is settled here, not while rendering.
// Macros, call blocks and recursive loops are functions with their own variables; all
// other scopes share those of the function around them.
void ResolveVariables(Budget& budget, ChatTemplate::Program& program);

}  // namespace lathe::chat
