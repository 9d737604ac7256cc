# The libraries that ysync stands on, all of them packaged by Debian; the Makefile installs them there.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(SSL REQUIRED IMPORTED_TARGET libssl)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
# From 3.27 on SQLite copies a database whose file has lost its name (VACUUM INTO).
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.27)
# From 7.87 on libcurl need not wait for a name that is being looked up.
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl>=7.87)

# llhttp where the system has it (Debian 13), else its forerunner http-parser (Debian 12).
find_path(LLHTTP_INCLUDE_DIR llhttp.h)
find_library(LLHTTP_LIBRARY llhttp)
find_path(HTTP_PARSER_INCLUDE_DIR http_parser.h)
find_library(HTTP_PARSER_LIBRARY http_parser)
if(LLHTTP_INCLUDE_DIR AND LLHTTP_LIBRARY)
  set(YSYNC_HTTP_ENGINE llhttp)
  set(YSYNC_HTTP_ENGINE_LIBRARY ${LLHTTP_LIBRARY})
elseif(HTTP_PARSER_INCLUDE_DIR AND HTTP_PARSER_LIBRARY)
  set(YSYNC_HTTP_ENGINE http_parser)
  set(YSYNC_HTTP_ENGINE_LIBRARY ${HTTP_PARSER_LIBRARY})
else()
  message(FATAL_ERROR "neither llhttp nor http-parser was found (Debian: apt-get install libhttp-parser-dev)")
endif()

if(YSYNC_TESTS)
  pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
endif()
