# SPDX-License-Identifier: BSD-3-Clause
# Compiler flags, in one interface target that every other one links.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O3 -g -DNDEBUG")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

add_library(cm_flags INTERFACE)
target_include_directories(cm_flags INTERFACE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(cm_flags INTERFACE Threads::Threads)
target_compile_options(cm_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wvla -Wformat=2 -Wundef -Wwrite-strings -fno-common ${CM_OPTIMIZE})
if(CM_WERROR)
  target_compile_options(cm_flags INTERFACE -Werror)
endif()

if(WIN32)
  target_compile_definitions(cm_flags INTERFACE
    _WIN32_WINNT=0x0A00 WIN32_LEAN_AND_MEAN NOMINMAX __USE_MINGW_ANSI_STDIO=1)
  target_link_libraries(cm_flags INTERFACE bcrypt psapi)
else()
  # Empty on purpose: a file's own `#define _GNU_SOURCE` is then no redefinition.
  target_compile_definitions(cm_flags INTERFACE _GNU_SOURCE=)
  target_compile_options(cm_flags INTERFACE $<$<CONFIG:Release>:-fstack-protector-strong>)
  target_link_options(cm_flags INTERFACE -Wl,-z,relro,-z,now)
endif()

if(CM_SANITIZE)
  target_compile_options(cm_flags INTERFACE
    -fsanitize=${CM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(cm_flags INTERFACE -fsanitize=${CM_SANITIZE})
  # gcc says so by itself; the code asks, for fences and assembly are lost on that sanitizer
  if(CM_SANITIZE MATCHES thread AND CMAKE_C_COMPILER_ID MATCHES Clang)
    target_compile_definitions(cm_flags INTERFACE __SANITIZE_THREAD__=1)
  endif()
endif()

if(CM_LTO)
  include(CheckIPOSupported)
  check_ipo_supported(RESULT CM_LTO_WORKS LANGUAGES C)
  if(CM_LTO_WORKS)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
      # The installed archive must also link without LTO.
      target_compile_options(cm_flags INTERFACE -ffat-lto-objects)
    endif()
  endif()
endif()

# xxHash is one header, compiled in. A cross compiler must not see the rest of /usr/include.
find_file(CM_XXHASH_H xxhash.h PATHS /usr/include /usr/local/include
          NO_CMAKE_FIND_ROOT_PATH REQUIRED)
if(CMAKE_CROSSCOMPILING)
  configure_file(${CM_XXHASH_H} ${CMAKE_BINARY_DIR}/third_party/xxhash.h COPYONLY)
  target_include_directories(cm_flags SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/third_party)
endif()
