# Warnings, optimisation and sanitizers, the same for every target of ours.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -fno-omit-frame-pointer")

add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast)
if(HUSHCAST_WERROR)
  add_compile_options(-Werror)
endif()

if(HUSHCAST_SANITIZE)
  add_compile_options(-fsanitize=${HUSHCAST_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HUSHCAST_SANITIZE})
endif()
if(HUSHCAST_LIBFUZZER)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(HUSHCAST_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 warns about its own instrumented standard library.
  add_compile_options(-Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-tsan)
endif()
if(HUSHCAST_SANITIZE MATCHES "undefined" AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Clang 14 cannot assemble coroutines under its check of function types.
  add_compile_options(-fno-sanitize=function)
endif()
