# Compiler and linker flags that hold for every target.
add_library(lathe_flags INTERFACE)
target_include_directories(lathe_flags INTERFACE "${CMAKE_SOURCE_DIR}/src")
target_compile_options(lathe_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -fno-omit-frame-pointer
  $<$<BOOL:${LATHE_WERROR}>:-Werror>)

find_program(LATHE_CCACHE ccache)
if(LATHE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${LATHE_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${LATHE_CCACHE}")
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(-fuse-ld=lld)
endif()

if(LATHE_SANITIZE)
  add_compile_options(-fsanitize=${LATHE_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LATHE_SANITIZE})
  add_compile_definitions(LATHE_SANITIZE="${LATHE_SANITIZE}")
endif()
if(LATHE_FUZZ)
  # Coverage feedback in every object; only the fuzz executables link the driver.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
