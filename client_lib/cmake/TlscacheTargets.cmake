# How every target of the tree is compiled: one set of flags, one precompiled header.
include(GNUInstallDirs)

add_library(tlscache_options INTERFACE)
target_include_directories(tlscache_options INTERFACE
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}> $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/client_lib/include>)
target_compile_options(tlscache_options INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow $<$<BOOL:${TLSCACHE_WERROR}>:-Werror>
    -fPIC -fstack-protector-strong)
target_link_options(tlscache_options INTERFACE -Wl,-z,relro,-z,now)
target_compile_definitions(tlscache_options INTERFACE
    TLSCACHE_VERSION="${PROJECT_VERSION}" BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_VISIBILITY SPDLOG_FMT_EXTERNAL)
if(TLSCACHE_SANITIZE)
    target_compile_options(tlscache_options INTERFACE
        -fsanitize=${TLSCACHE_SANITIZE} -fno-sanitize-recover=undefined -fno-omit-frame-pointer
        $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>)
    string(REPLACE "fuzzer-no-link," "" TLSCACHE_SANITIZE_LINK "${TLSCACHE_SANITIZE}")
    target_link_options(tlscache_options INTERFACE -fsanitize=${TLSCACHE_SANITIZE_LINK})
else()
    target_compile_definitions(tlscache_options INTERFACE $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
endif()

function(tlscache_precompiled_header header)
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/pch.cpp CONTENT "// carries the precompiled header\n")
    add_library(tlscache_pch STATIC ${CMAKE_BINARY_DIR}/pch.cpp)
    target_link_libraries(tlscache_pch PRIVATE tlscache_options Threads::Threads Boost::boost OpenSSL::SSL fmt::fmt)
    target_precompile_headers(tlscache_pch PRIVATE ${header})
endfunction()

# tlscache_library(NAME SOURCES a.cpp ... LINK x y)      a static library of the tree
function(tlscache_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    target_link_libraries(${name} PUBLIC tlscache_options Threads::Threads Boost::boost fmt::fmt ${arg_LINK})
    target_precompile_headers(${name} REUSE_FROM tlscache_pch)
endfunction()

# tlscache_program(NAME SOURCES a.cpp ... LINK x y)      a program; lands in build/PRESET/bin
function(tlscache_program name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE tlscache_options Threads::Threads Boost::boost fmt::fmt ${arg_LINK})
    target_link_options(${name} PRIVATE -pie)
    target_precompile_headers(${name} REUSE_FROM tlscache_pch)
endfunction()

# tlscache_c_program(NAME SOURCES a.c ... LINK x y)      a program in C on the public C header
function(tlscache_c_program name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
    target_link_libraries(${name} PRIVATE tlscache_options Threads::Threads ${arg_LINK})
    target_link_options(${name} PRIVATE -pie)
endfunction()
