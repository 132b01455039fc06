# faelled_library(NAME [UNOPTIMIZED] [DEPS folder…] [LINK lib…] [PRIVATE lib…])
#   src/NAME/**.cpp except *_test.cpp become libfaelled_NAME; the *_test.cpp become NAME_test, one ctest entry each.
#   LINK libraries appear in our headers, PRIVATE ones in our .cpp files alone. UNOPTIMIZED: under sanitizers.
add_library(faelled_options INTERFACE)
target_include_directories(faelled_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(faelled_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers -fno-omit-frame-pointer -g1
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}=. "SHELL:-Xclang -fno-pch-timestamp")
if(FAELLED_SANITIZE)
  target_compile_options(faelled_options INTERFACE -fsanitize=${FAELLED_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(faelled_options INTERFACE -fsanitize=${FAELLED_SANITIZE})
  # Asio recycles coroutine frames and handlers and so hides use-after-free from the sanitizers.
  target_compile_definitions(faelled_options INTERFACE
    BOOST_ASIO_DISABLE_SMALL_BLOCK_RECYCLING FAELLED_SANITIZED)
endif()

# One precompiled header for all that is compiled alike. Product: the standard library only, so that no folder sees a
# framework through it; tests and commands have theirs beside it.
file(WRITE ${CMAKE_BINARY_DIR}/pch.cpp "")
function(faelled_precompiled kind)
  cmake_parse_arguments(ARG "" "" "HEADERS;LINK" ${ARGN})
  add_library(faelled_${kind}_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cpp)
  target_link_libraries(faelled_${kind}_pch PUBLIC faelled_options PRIVATE ${ARG_LINK})
  target_compile_options(faelled_${kind}_pch PRIVATE ${faelled_${kind}_options})
  target_precompile_headers(faelled_${kind}_pch PRIVATE
    <algorithm> <array> <chrono> <cstdint> <deque> <expected> <functional> <map> <memory> <optional> <span> <string>
    <string_view> <unordered_map> <utility> <variant> <vector> ${ARG_HEADERS})
endfunction()

# What the sanitizers add makes an optimised file take two to four times as long to compile. What computes and what is
# fuzzed stays optimised; tests, and what mostly calls others (UNOPTIMIZED), need not be. Nor need anything that looks
# for races.
if(FAELLED_FUZZ)
  set(faelled_product_options -fsanitize=fuzzer-no-link)
endif()
set(faelled_edge_options ${faelled_product_options})
if(FAELLED_SANITIZE)
  list(APPEND faelled_edge_options -O0)
  set(faelled_test_options -O0)
endif()
if(FAELLED_SANITIZE STREQUAL "thread")
  set(faelled_product_options ${faelled_edge_options})
endif()
set(faelled_command_options ${faelled_edge_options})
if(NOT FAELLED_SANITIZE)
  list(APPEND faelled_command_options -O1) # a quarter of the build: options, tables and what wires the server
endif()
faelled_precompiled(product)
faelled_precompiled(edge)
faelled_precompiled(test HEADERS <gmock/gmock.h> <gtest/gtest.h> LINK GTest::gmock)
faelled_precompiled(command HEADERS <CLI/CLI.hpp> <fmt/format.h> LINK CLI11::CLI11 fmt::fmt)

function(faelled_library name)
  cmake_parse_arguments(ARG "UNOPTIMIZED" "" "DEPS;LINK;PRIVATE" ${ARGN})
  if(ARG_UNOPTIMIZED)
    set(kind edge)
  else()
    set(kind product)
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cpp)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  set(deps faelled_options)
  foreach(dep ${ARG_DEPS})
    list(APPEND deps faelled_${dep})
  endforeach()
  if(sources)
    add_library(faelled_${name} STATIC ${sources})
    target_precompile_headers(faelled_${name} REUSE_FROM faelled_${kind}_pch)
    target_compile_options(faelled_${name} PRIVATE ${faelled_${kind}_options})
    target_link_libraries(faelled_${name} PUBLIC ${deps} ${ARG_LINK} PRIVATE ${ARG_PRIVATE})
  else()
    add_library(faelled_${name} INTERFACE)
    target_link_libraries(faelled_${name} INTERFACE ${deps} ${ARG_LINK} ${ARG_PRIVATE})
  endif()
  if(tests)
    add_executable(${name}_test ${tests})
    target_precompile_headers(${name}_test REUSE_FROM faelled_test_pch)
    target_compile_options(${name}_test PRIVATE ${faelled_test_options})
    target_link_libraries(${name}_test PRIVATE faelled_${name} ${ARG_PRIVATE} GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE FAELLED_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    add_test(NAME ${name}_test COMMAND ${name}_test)
  endif()
endfunction()
