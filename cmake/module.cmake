# ys_module(NAME SOURCES... [LIBRARIES...]): one folder of src/, compiled on its own. All modules together are the library.
function(ys_module name)
  cmake_parse_arguments(MODULE "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(ys_${name} OBJECT ${MODULE_SOURCES})
  target_include_directories(ys_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(ys_${name} PUBLIC ${MODULE_LIBRARIES})
endfunction()

# ys_test(NAME SOURCES...): a unit test program of cmocka, linked with all modules, run by ctest and tests/run.
function(ys_test name)
  add_executable(${name} ${ARGN})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE ysync_modules PkgConfig::CMOCKA)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/unit)
  add_test(NAME ${name} COMMAND ${name})
endfunction()
