# What `make install` puts where: the program, both forms of the library, the headers, and what pkg-config and
# CMake need in order to find them.
include(CMakePackageConfigHelpers)

install(TARGETS ysync RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS ysync_shared ysync_static EXPORT ysync-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/ysync DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

# A program that links the static library links these too.
get_filename_component(http_engine_name ${YSYNC_HTTP_ENGINE_LIBRARY} NAME_WE)
string(REGEX REPLACE "^lib" "-l" YSYNC_PC_HTTP_ENGINE ${http_engine_name})
configure_file(cmake/ysync.pc.in ysync.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/ysync.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ysync)
configure_package_config_file(cmake/ysync-config.cmake.in ysync-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(ysync-config-version.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT ysync-targets NAMESPACE ysync:: DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/ysync-config.cmake ${PROJECT_BINARY_DIR}/ysync-config-version.cmake
  DESTINATION ${package_dir})
