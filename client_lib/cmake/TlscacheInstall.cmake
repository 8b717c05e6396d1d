# What an installation brings: the public headers, one archive of all parts of the library, a CMake
# package (find_package(tlscache), target tlscache::tlscache) and a pkg-config file. Both are
# relocatable: the prefix may be moved as a whole.
include(CMakePackageConfigHelpers)

set(parts)
foreach(part tlscache tlscache_session tlscache_transport tlscache_wire)
    list(APPEND parts $<TARGET_OBJECTS:${part}>)
endforeach()
add_library(tlscache_archive STATIC ${parts})
set_target_properties(tlscache_archive PROPERTIES
    OUTPUT_NAME tlscache EXPORT_NAME tlscache LINKER_LANGUAGE CXX
    ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/package)
target_include_directories(tlscache_archive INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(tlscache_archive INTERFACE
    OpenSSL::SSL OpenSSL::Crypto Threads::Threads fmt::fmt tomlplusplus::tomlplusplus)

install(TARGETS tlscache_archive EXPORT tlscache ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/client_lib/include/tlscache
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h PATTERN *.hpp)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tlscache)
install(EXPORT tlscache NAMESPACE tlscache:: FILE tlscacheTargets.cmake DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/tlscacheConfig.cmake.in
    ${CMAKE_BINARY_DIR}/package/tlscacheConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/package/tlscacheConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/package/tlscacheConfig.cmake
    ${CMAKE_BINARY_DIR}/package/tlscacheConfigVersion.cmake DESTINATION ${package_dir})

file(RELATIVE_PATH pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_CURRENT_LIST_DIR}/tlscache.pc.in ${CMAKE_BINARY_DIR}/package/tlscache.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/package/tlscache.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
