# SPDX-License-Identifier: BSD-3-Clause
# The store as a library by itself: its archive carries the modules it stands on.

if(TARGET cm_store)
  get_target_property(kind cm_store TYPE)
  if(kind STREQUAL "STATIC_LIBRARY")
    set(objects "")
    foreach(module base metrics store)
      if(TARGET cm_${module})
        get_target_property(kind cm_${module} TYPE)
        if(kind STREQUAL "STATIC_LIBRARY")
          list(APPEND objects $<TARGET_OBJECTS:cm_${module}>)
        endif()
      endif()
    endforeach()
    add_library(cacheman_store STATIC ${objects})
    set_target_properties(cacheman_store PROPERTIES
      OUTPUT_NAME cacheman-store LINKER_LANGUAGE C)
    install(TARGETS cacheman_store)
    install(DIRECTORY include/cacheman DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
    set(CM_PREFIX "@CM_PREFIX@")
    configure_file(cmake/cacheman-store.pc.in cacheman-store.pc.in @ONLY)
    # At installation, because only then `cmake --install --prefix` tells where.
    install(CODE "
      set(CM_PREFIX \"\${CMAKE_INSTALL_PREFIX}\")
      configure_file(\"${CMAKE_BINARY_DIR}/cacheman-store.pc.in\"
                     \"${CMAKE_BINARY_DIR}/cacheman-store.pc\" @ONLY)")
    install(FILES ${CMAKE_BINARY_DIR}/cacheman-store.pc
            DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  endif()
endif()

if(TARGET cachemand AND EXISTS ${CMAKE_SOURCE_DIR}/docs/cachemand.1)
  install(FILES docs/cachemand.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
