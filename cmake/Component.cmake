# lathe_component(NAME [SOURCES ...] [DEPS ...] [TESTS ...] [FUZZ ...] [BENCH ...])
#
# One folder = one library `lathe_NAME` = namespace lathe::NAME.
#   DEPS   what the component's headers or sources name (targets)
#   TESTS  x_test.cc files, linked into one executable `lathe_NAME_test`
#   FUZZ   x_fuzz.cc files, one executable `NAME_x_fuzz` each (LATHE_FUZZ only);
#          corpus in tests/corpus/NAME_x; a ctest entry of label `fuzz`
#   BENCH  x_bench.cc files, linked into `lathe_NAME_bench` (target `benches`)
#   SLOW_TESTS  tests that need real models or long runs, linked into
#          `lathe_NAME_slow_test`: one ctest entry, label `slow`, not repeated
#          under sanitizers
# Every other test case is an entry `NAME/Suite.Case` of its own, label `fast`;
# under sanitizers `asan/NAME/Suite.Case` or `tsan/...`, so that one ctest run can
# hold all builds (scripts/test).
include(GoogleTest)
add_custom_target(benches)
add_custom_target(fuzzers)
set(LATHE_TEST_PREFIX "")
if(LATHE_SANITIZE MATCHES "address")
  set(LATHE_TEST_PREFIX "asan/")
elseif(LATHE_SANITIZE MATCHES "thread")
  set(LATHE_TEST_PREFIX "tsan/")
endif()

function(lathe_component name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;TESTS;SLOW_TESTS;FUZZ;BENCH" ${ARGN})
  if(arg_SOURCES)
    add_library(lathe_${name} STATIC ${arg_SOURCES})
    target_link_libraries(lathe_${name} PUBLIC lathe_flags ${arg_DEPS})
  else()
    add_library(lathe_${name} INTERFACE)
    target_link_libraries(lathe_${name} INTERFACE lathe_flags ${arg_DEPS})
  endif()
  lathe_tests(${name} lathe_${name} fast "${arg_TESTS}")
  lathe_tests(${name}_slow lathe_${name} slow "${arg_SLOW_TESTS}")
  if(LATHE_FUZZ)
    foreach(source ${arg_FUZZ})
      string(REGEX REPLACE "_fuzz\\.cc$" "" stem ${source})
      set(target ${name}_${stem}_fuzz)
      add_executable(${target} ${source})
      target_link_libraries(${target} PRIVATE lathe_${name})
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
      add_dependencies(fuzzers ${target})
      add_test(NAME fuzz/${target} COMMAND "${CMAKE_SOURCE_DIR}/scripts/fuzz" ${target})
      set_tests_properties(fuzz/${target} PROPERTIES LABELS fuzz TIMEOUT 7200)
    endforeach()
  endif()
  if(arg_BENCH)
    add_executable(lathe_${name}_bench EXCLUDE_FROM_ALL ${arg_BENCH})
    target_link_libraries(lathe_${name}_bench PRIVATE lathe_${name} benchmark::benchmark_main)
    add_dependencies(benches lathe_${name}_bench)
  endif()
endfunction()

function(lathe_tests name library label sources)
  if(NOT sources OR (LATHE_SANITIZE AND label STREQUAL "slow"))
    return()
  endif()
  add_executable(lathe_${name}_test ${sources})
  target_link_libraries(lathe_${name}_test PRIVATE ${library} lathe_test_support GTest::gmock_main)
  if(label STREQUAL "slow")  # one process, so that a model is loaded once
    add_test(NAME ${name} COMMAND lathe_${name}_test)
    set_tests_properties(${name} PROPERTIES LABELS slow TIMEOUT 2400)
  else()
    gtest_discover_tests(lathe_${name}_test TEST_PREFIX "${LATHE_TEST_PREFIX}${name}/" DISCOVERY_MODE PRE_TEST
      DISCOVERY_TIMEOUT 120 PROPERTIES LABELS fast TIMEOUT 600)
  endif()
endfunction()
