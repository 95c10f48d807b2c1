# Flags that every translation unit shares; one set of flags is what lets a house share its precompiled header.
add_compile_options(-pthread -Wall -Wextra -Wshadow -Woverloaded-virtual -Wno-missing-field-initializers
                    -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # What ccache wants of a precompiled header; warnings are g++'s to give.
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp" -Wno-everything)
else()
  add_compile_options(-fpch-preprocess)
endif()
if(TIDEGATE_WERROR)
  add_compile_options(-Werror)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
endif()
if(TIDEGATE_SANITIZE)
  add_compile_options(-fsanitize=${TIDEGATE_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TIDEGATE_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND TIDEGATE_SANITIZE MATCHES "address")
    add_compile_definitions(__SANITIZE_ADDRESS__)  # as g++ defines it: frames of coroutines are watched, too
  endif()
  # g++ 12 reports false alarms under sanitizers, in the headers of std and Boost.
  add_compile_options(-Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds -Wno-tsan)
endif()
# g++ 12 gives false alarms about std::string at -O2 (GCC bug 105651).
add_compile_options(-Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-maybe-uninitialized -Wno-stringop-overread
                    -Wno-mismatched-new-delete)  # the last: coroutine frames of Asio, inlined
add_link_options(-Wl,--as-needed)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

add_compile_definitions(
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  BOOST_ASIO_DISABLE_BOOST_COROUTINE BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=8
  SPDLOG_FMT_EXTERNAL SPDLOG_COMPILED_LIB)
