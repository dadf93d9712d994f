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

# The client as a library by itself, shared and static. The shared one is compiled anew: its code
# must work wherever it is loaded, and its calls within need not be replaceable from outside.
if(TARGET cm_client AND NOT CM_FUZZ)
  set(sources "")
  set(objects "")
  foreach(module base ring tls web etcd client)
    get_target_property(files cm_${module} SOURCES)
    list(APPEND sources ${files})
    list(APPEND objects $<TARGET_OBJECTS:cm_${module}>)
  endforeach()
  list(FILTER sources EXCLUDE REGEX sandbox) # the server's alone, and needs libseccomp
  add_library(cacheman_shared SHARED ${sources})
  target_link_libraries(cacheman_shared PRIVATE cm_flags PkgConfig::LIBUV
    PkgConfig::JANSSON OpenSSL::SSL m)
  target_compile_options(cacheman_shared PRIVATE -fno-semantic-interposition)
  target_link_options(cacheman_shared PRIVATE
    -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/cacheman.map)
  if(NOT CM_SANITIZE) # whose own functions may come with the program
    target_link_options(cacheman_shared PRIVATE -Wl,--no-undefined)
  endif()
  set_target_properties(cacheman_shared PROPERTIES
    OUTPUT_NAME cacheman
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
    LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/cacheman.map)
  add_library(cacheman_static STATIC ${objects})
  set_target_properties(cacheman_static PROPERTIES OUTPUT_NAME cacheman LINKER_LANGUAGE C)
  install(TARGETS cacheman_shared cacheman_static)
  set(CM_PREFIX "@CM_PREFIX@")
  configure_file(cmake/cacheman.pc.in cacheman.pc.in @ONLY)
  install(CODE "
    set(CM_PREFIX \"\${CMAKE_INSTALL_PREFIX}\")
    configure_file(\"${CMAKE_BINARY_DIR}/cacheman.pc.in\" \"${CMAKE_BINARY_DIR}/cacheman.pc\" @ONLY)")
  install(FILES ${CMAKE_BINARY_DIR}/cacheman.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()

if(TARGET cachemand)
  install(FILES docs/cachemand.1 docs/cacheman.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  # A unit names the program that is installed beside it.
  install(CODE "
    set(CM_BIN \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
    configure_file(\"${CMAKE_SOURCE_DIR}/packaging/cachemand.service\"
                   \"${CMAKE_BINARY_DIR}/cachemand.service\" @ONLY)")
  install(FILES ${CMAKE_BINARY_DIR}/cachemand.service DESTINATION lib/systemd/system)
  # Not into /etc: an administrator's file is never overwritten.
  install(FILES packaging/cachemand.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
  install(DIRECTORY packaging/prometheus packaging/grafana
          DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
endif()

# The reference that script/doc makes, if it has.
if(TARGET cacheman)
  install(FILES docs/libcacheman.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/build/doc/man/man3 DESTINATION ${CMAKE_INSTALL_MANDIR}
          OPTIONAL FILES_MATCHING PATTERN "cacheman_*.3" PATTERN "cmstore_*.3")
endif()
