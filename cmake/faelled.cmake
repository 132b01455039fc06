# faelled_library(NAME [DEPS folder…] [LINK lib…] [PRIVATE lib…])
#   src/NAME/**.cpp except *_test.cpp become libfaelled_NAME; the *_test.cpp become NAME_test, one ctest entry each.
#   LINK libraries appear in our headers, PRIVATE ones in our .cpp files alone.
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

# One precompiled header for all: the standard library only, so that no folder sees a framework through it.
file(WRITE ${CMAKE_BINARY_DIR}/pch.cpp "")
add_library(faelled_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cpp)
target_link_libraries(faelled_pch PUBLIC faelled_options)
set(faelled_precompiled
  <algorithm> <array> <chrono> <cstdint> <deque> <expected> <functional> <map> <memory> <optional> <span> <string>
  <string_view> <unordered_map> <utility> <variant> <vector>)
target_precompile_headers(faelled_pch PRIVATE ${faelled_precompiled})

if(FAELLED_FUZZ)
  set(faelled_product_options -fsanitize=fuzzer-no-link)
endif()
target_compile_options(faelled_pch PRIVATE ${faelled_product_options})

# What the sanitizers add makes an optimised test take four times as long to compile; what is tested stays optimised.
set(faelled_test_pch faelled_pch)
if(FAELLED_SANITIZE)
  set(faelled_test_pch faelled_test_pch)
  set(faelled_test_options -O0)
  add_library(faelled_test_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cpp)
  target_link_libraries(faelled_test_pch PUBLIC faelled_options)
  target_compile_options(faelled_test_pch PRIVATE ${faelled_test_options})
  target_precompile_headers(faelled_test_pch PRIVATE ${faelled_precompiled})
endif()

function(faelled_library name)
  cmake_parse_arguments(ARG "" "" "DEPS;LINK;PRIVATE" ${ARGN})
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
    target_precompile_headers(faelled_${name} REUSE_FROM faelled_pch)
    target_compile_options(faelled_${name} PRIVATE ${faelled_product_options})
    target_link_libraries(faelled_${name} PUBLIC ${deps} ${ARG_LINK} PRIVATE ${ARG_PRIVATE})
  else()
    add_library(faelled_${name} INTERFACE)
    target_link_libraries(faelled_${name} INTERFACE ${deps} ${ARG_LINK} ${ARG_PRIVATE})
  endif()
  if(tests)
    add_executable(${name}_test ${tests})
    target_precompile_headers(${name}_test REUSE_FROM ${faelled_test_pch})
    target_compile_options(${name}_test PRIVATE ${faelled_test_options})
    target_link_libraries(${name}_test PRIVATE faelled_${name} ${ARG_PRIVATE} GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE FAELLED_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    add_test(NAME ${name}_test COMMAND ${name}_test)
  endif()
endfunction()
