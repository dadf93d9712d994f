# SPDX-License-Identifier: BSD-3-Clause
# The page of --admin, made of src/admin/page/ and of Debian's libjs-dygraphs.

find_path(CM_DYGRAPHS dygraph.min.js PATHS /usr/share/javascript/dygraphs
          /usr/local/share/javascript/dygraphs NO_DEFAULT_PATH)
if(NOT CM_DYGRAPHS OR NOT EXISTS ${CM_DYGRAPHS}/dygraph.min.css)
  message(FATAL_ERROR "dygraphs, which the page of --admin draws with, was not found: install "
          "libjs-dygraphs, or give -DCM_DYGRAPHS=FOLDER with dygraph.min.js and dygraph.min.css")
endif()

set(page ${CMAKE_BINARY_DIR}/generated/page.c)
file(GLOB page_sources CONFIGURE_DEPENDS src/admin/page/*)
add_custom_command(OUTPUT ${page}
  COMMAND ${CMAKE_COMMAND} -DPAGE=${CMAKE_SOURCE_DIR}/src/admin/page/index.html
          -DDYGRAPHS=${CM_DYGRAPHS} -DOUT=${page} -P ${CMAKE_SOURCE_DIR}/cmake/page.cmake
  DEPENDS ${page_sources} ${CMAKE_SOURCE_DIR}/cmake/page.cmake ${CM_DYGRAPHS}/dygraph.min.js
          ${CM_DYGRAPHS}/dygraph.min.css
  VERBATIM)
target_sources(cm_admin PRIVATE ${page})
